// One numbered line after another through a C++ logging library.
//
// Usage: driver WRITER DIR LINES PAUSE_MICROSECONDS SIZE
// Each library rotates at about SIZE bytes and keeps far more generations than one run makes.
#include <Poco/AutoPtr.h>
#include <Poco/FileChannel.h>
#include <Poco/Message.h>
#include <boost/log/expressions.hpp>
#include <boost/log/sinks.hpp>
#include <boost/log/sources/logger.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/utility/setup/file.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <glog/logging.h>
#include <iostream>
#include <log4cplus/fileappender.h>
#include <log4cplus/initializer.h>
#include <log4cplus/layout.h>
#include <log4cplus/logger.h>
#include <log4cplus/loggingmacros.h>
#include <log4cxx/helpers/pool.h>
#include <log4cxx/logger.h>
#include <log4cxx/patternlayout.h>
#include <log4cxx/rolling/fixedwindowrollingpolicy.h>
#include <log4cxx/rolling/rollingfileappender.h>
#include <log4cxx/rolling/sizebasedtriggeringpolicy.h>
#include <memory>
#include <spdlog/sinks/daily_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>
#include <string>
#include <thread>

struct Sink {
  std::function<void(const std::string &)> write;
  std::function<void()> close;
};

static Sink spd(const std::string &dir, int size) {
  auto log = spdlog::rotating_logger_mt("driver", dir + "/app.log", size, 400);
  log->set_pattern("%v");
  return {[log](const std::string &l) {
            log->info(l);
            log->flush();
          },
          [] { spdlog::shutdown(); }};
}

static Sink cplus(const std::string &dir, int size) {
  using namespace log4cplus;
  static Initializer initializer;
  // Sizes under 200 KiB are raised to it by the library.
  SharedAppenderPtr appender(new RollingFileAppender(dir + "/app.log", size, 400, true));
  appender->setLayout(std::unique_ptr<Layout>(new PatternLayout("%m%n")));
  Logger log = Logger::getInstance("driver");
  log.addAppender(appender);
  return {[log](const std::string &l) { LOG4CPLUS_INFO(log, l); }, [] { Logger::shutdown(); }};
}

static Sink googlelog(const std::string &dir) {
  FLAGS_log_dir = dir;
  FLAGS_max_log_size = 1; // MiB, the least
  FLAGS_logbufsecs = 0;
  google::InitGoogleLogging("driver");
  return {[](const std::string &l) { LOG(INFO) << l; }, [] { google::ShutdownGoogleLogging(); }};
}

static Sink boostlog(const std::string &dir, int size) {
  namespace log = boost::log;
  auto sink = log::add_file_log(log::keywords::file_name = dir + "/app.log", log::keywords::target_file_name = dir + "/app_%5N.log",
                                log::keywords::rotation_size = size, log::keywords::auto_flush = true,
                                log::keywords::format = log::expressions::stream << log::expressions::smessage);
  auto logger = std::make_shared<log::sources::logger>();
  return {[logger](const std::string &l) { BOOST_LOG(*logger) << l; }, [sink] { sink->flush(); }};
}

static Sink poco(const std::string &dir, int size, const std::string &archive, bool compress) {
  Poco::AutoPtr<Poco::FileChannel> log(new Poco::FileChannel(dir + "/app.log"));
  log->setProperty("rotation", std::to_string(size));
  log->setProperty("archive", archive);
  log->setProperty("compress", compress ? "true" : "false");
  return {[log](const std::string &l) mutable { log->log(Poco::Message("driver", l, Poco::Message::PRIO_INFORMATION)); }, [log]() mutable { log->close(); }};
}

static Sink cxx(const std::string &dir, int size, const std::string &old) {
  using namespace log4cxx;
  helpers::Pool pool;
  auto policy = std::make_shared<rolling::FixedWindowRollingPolicy>();
  policy->setMinIndex(1);
  policy->setMaxIndex(12); // the library keeps no more than 12
  policy->setFileNamePattern(dir + "/" + old);
  policy->activateOptions(pool);
  auto trigger = std::make_shared<rolling::SizeBasedTriggeringPolicy>();
  trigger->setMaxFileSize(size);
  auto appender = std::make_shared<rolling::RollingFileAppender>();
  appender->setRollingPolicy(policy);
  appender->setTriggeringPolicy(trigger);
  appender->setFile(dir + "/app.log");
  appender->setLayout(std::make_shared<PatternLayout>("%m%n"));
  appender->activateOptions(pool);
  LoggerPtr log = Logger::getLogger("driver");
  log->addAppender(appender);
  return {[log](const std::string &l) { log->info(l); }, [appender] { appender->close(); }};
}

static Sink sinkOf(const std::string &name, const std::string &dir, int size) {
  if (name == "spdlog") return spd(dir, size);
  if (name == "log4cplus") return cplus(dir, size);
  if (name == "glog-cpp") return googlelog(dir);
  if (name == "poco-number") return poco(dir, size, "number", false);
  if (name == "poco-number-gz") return poco(dir, size, "number", true);
  if (name == "poco-timestamp") return poco(dir, size, "timestamp", false);
  if (name == "log4cxx") return cxx(dir, size, "app.log.%i");
  if (name == "log4cxx-gz") return cxx(dir, size, "app.%i.log.gz");
  return boostlog(dir, size);
}

int main(int argc, char **argv) {
  if (argc != 6) {
    return 2;
  }
  const std::string name = argv[1], dir = argv[2];
  const int lines = std::atoi(argv[3]), size = std::atoi(argv[5]);
  const long pause = std::atol(argv[4]);
  Sink sink = sinkOf(name, dir, size);
  const auto began = std::chrono::steady_clock::now();
  for (int n = 1; n <= lines; n++) {
    char head[32];
    std::snprintf(head, sizeof head, "line %08d ", n);
    sink.write(head + std::string(40 + n % 60, 'x'));
    std::this_thread::sleep_until(began + std::chrono::microseconds(pause * n));
  }
  sink.close();
  return 0;
}
