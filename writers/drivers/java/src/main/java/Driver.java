import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * One numbered line after another through a Java logging library.
 *
 * <p>Usage: Driver WRITER DIR LINES PAUSE_MICROSECONDS SIZE. Each library rotates at about SIZE bytes, or each second,
 * and keeps far more generations than one run makes.
 */
public final class Driver {
  private Driver() {}

  /** A way to write lines, and to end. */
  record Sink(Consumer<String> write, Runnable close) {}

  public static void main(String[] args) throws Exception {
    String name = args[0];
    String dir = args[1];
    int lines = Integer.parseInt(args[2]);
    long pause = Long.parseLong(args[3]);
    int size = Integer.parseInt(args[4]);
    Sink sink = open(name, dir, size);
    long began = System.nanoTime();
    for (int n = 1; n <= lines; n++) {
      sink.write().accept(String.format("line %08d %s", n, "x".repeat(40 + n % 60)));
      long ahead = n * pause / 1000 - (System.nanoTime() - began) / 1_000_000;
      if (ahead > 1) {
        Thread.sleep(ahead);
      }
    }
    sink.close().run();
    Thread.sleep(300); // libraries compress in the background
    System.exit(0);
  }

  static Sink open(String name, String dir, int size) throws Exception {
    switch (name) {
      case "logback-fixed":
        return logback(rollingFile(dir, "ch.qos.logback.core.rolling.FixedWindowRollingPolicy", dir + "/app.%i.log", "<minIndex>1</minIndex><maxIndex>20</maxIndex>", size));
      case "logback-fixed-zip":
        return logback(rollingFile(dir, "ch.qos.logback.core.rolling.FixedWindowRollingPolicy", dir + "/app.%i.log.zip", "<minIndex>1</minIndex><maxIndex>20</maxIndex>", size));
      case "logback-time":
        return logback(timed(dir, true, dir + "/app.%d{yyyy-MM-dd_HH-mm-ss}.log"));
      case "logback-time-gz":
        return logback(timed(dir, true, dir + "/app.%d{yyyy-MM-dd_HH-mm-ss}.log.gz"));
      case "logback-nofile":
        return logback(timed(dir, false, dir + "/app.%d{yyyy-MM-dd_HH-mm-ss}.log"));
      case "log4j2-i-ext":
        return log4j(appender(dir, "RollingFile", dir + "/app-%i.log", "max=\"400\"", size, ""));
      case "log4j2-min":
        return log4j(appender(dir, "RollingFile", dir + "/app.log.%i", "fileIndex=\"min\" max=\"400\"", size, ""));
      case "log4j2-nomax":
        return log4j(appender(dir, "RollingFile", dir + "/app.log.%i", "fileIndex=\"nomax\"", size, ""));
      case "log4j2-gz":
        return log4j(appender(dir, "RollingFile", dir + "/app-%i.log.gz", "max=\"400\"", size, ""));
      case "log4j2-archive":
        return log4j(appender(dir, "RollingFile", dir + "/archive/$${date:yyyy-MM}/app-%d{yyyy-MM-dd}-%i.log.gz", "max=\"400\"", size, ""));
      case "log4j2-direct":
        return log4j(direct(dir, size));
      case "log4j2-random":
        return log4j(appender(dir, "RollingRandomAccessFile", dir + "/app.log.%i", "max=\"400\"", size, "immediateFlush=\"true\""));
      case "log4j2-mapped":
        return log4j(mapped(dir));
      case "java-util-logging":
        return jul(dir, size);
      case "jboss-logmanager":
        return jboss(dir, size);
      case "tinylog":
        return tinylog(dir, size);
      default:
        throw new IllegalArgumentException("no writer " + name);
    }
  }

  static String rollingFile(String dir, String policy, String pattern, String more, int size) {
    return "<configuration><appender name='F' class='ch.qos.logback.core.rolling.RollingFileAppender'><file>" + dir + "/app.log</file>"
        + "<rollingPolicy class='" + policy + "'><fileNamePattern>" + pattern + "</fileNamePattern>" + more + "</rollingPolicy>"
        + "<triggeringPolicy class='ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy'><maxFileSize>" + size + "</maxFileSize>"
        + "<checkIncrement>50 milliseconds</checkIncrement></triggeringPolicy>"
        + "<encoder><pattern>%msg%n</pattern></encoder></appender><root level='info'><appender-ref ref='F'/></root></configuration>";
  }

  static String timed(String dir, boolean file, String pattern) {
    return "<configuration><appender name='F' class='ch.qos.logback.core.rolling.RollingFileAppender'>"
        + (file ? "<file>" + dir + "/app.log</file>" : "")
        + "<rollingPolicy class='ch.qos.logback.core.rolling.TimeBasedRollingPolicy'><fileNamePattern>" + pattern
        + "</fileNamePattern></rollingPolicy><encoder><pattern>%msg%n</pattern></encoder></appender>"
        + "<root level='info'><appender-ref ref='F'/></root></configuration>";
  }

  static Sink logback(String xml) throws Exception {
    var context = new ch.qos.logback.classic.LoggerContext();
    context.setMDCAdapter(new ch.qos.logback.classic.util.LogbackMDCAdapter());
    var configurator = new ch.qos.logback.classic.joran.JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)));
    var log = context.getLogger("driver");
    return new Sink(log::info, () -> { new ch.qos.logback.core.util.StatusPrinter2().printInCaseOfErrorsOrWarnings(context); context.stop(); });
  }

  static String appender(String dir, String kind, String pattern, String strategy, int size, String more) {
    return "<Configuration status='WARN'><Appenders><" + kind + " name='F' fileName='" + dir + "/app.log' filePattern='" + pattern + "' " + more + ">"
        + "<PatternLayout pattern='%m%n'/><SizeBasedTriggeringPolicy size='" + size + "'/><DefaultRolloverStrategy " + strategy + "/></" + kind + ">"
        + "</Appenders><Loggers><Root level='info'><AppenderRef ref='F'/></Root></Loggers></Configuration>";
  }

  static String direct(String dir, int size) {
    return "<Configuration status='WARN'><Appenders><RollingFile name='F' filePattern='" + dir + "/app-%d{yyyy-MM-dd}-%i.log'>"
        + "<PatternLayout pattern='%m%n'/><SizeBasedTriggeringPolicy size='" + size + "'/><DirectWriteRolloverStrategy maxFiles='400'/></RollingFile>"
        + "</Appenders><Loggers><Root level='info'><AppenderRef ref='F'/></Root></Loggers></Configuration>";
  }

  static String mapped(String dir) {
    return "<Configuration status='WARN'><Appenders><MemoryMappedFile name='F' fileName='" + dir + "/app.log' regionLength='1048576' immediateFlush='true'>"
        + "<PatternLayout pattern='%m%n'/></MemoryMappedFile>"
        + "</Appenders><Loggers><Root level='info'><AppenderRef ref='F'/></Root></Loggers></Configuration>";
  }

  static Sink log4j(String xml) throws Exception {
    var source = new org.apache.logging.log4j.core.config.ConfigurationSource(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)));
    var context = org.apache.logging.log4j.core.config.Configurator.initialize(null, source);
    var log = context.getLogger("driver");
    return new Sink(log::info, context::close);
  }

  static final class Plain extends java.util.logging.Formatter {
    @Override
    public String format(java.util.logging.LogRecord record) {
      return record.getMessage() + "\n";
    }
  }

  static Sink jul(String dir, int size) throws Exception {
    var handler = new java.util.logging.FileHandler(dir + "/app.%g.log", size, 400, true);
    handler.setFormatter(new Plain());
    var log = java.util.logging.Logger.getLogger("driver");
    log.setUseParentHandlers(false);
    log.addHandler(handler);
    return new Sink(log::info, handler::close);
  }

  static Sink jboss(String dir, int size) throws Exception {
    var handler = new org.jboss.logmanager.handlers.SizeRotatingFileHandler(Path.of(dir, "app.log").toFile(), true);
    handler.setRotateSize(size);
    handler.setMaxBackupIndex(400);
    handler.setAutoFlush(true);
    handler.setFormatter(new org.jboss.logmanager.formatters.PatternFormatter("%m%n"));
    return new Sink(l -> handler.publish(new org.jboss.logmanager.ExtLogRecord(org.jboss.logmanager.Level.INFO, l, "driver")), handler::close);
  }

  static Sink tinylog(String dir, int size) throws Exception {
    org.tinylog.configuration.Configuration.set("writer", "rolling file");
    org.tinylog.configuration.Configuration.set("writer.file", dir + "/app.{count}.log");
    org.tinylog.configuration.Configuration.set("writer.latest", dir + "/latest.log");
    org.tinylog.configuration.Configuration.set("writer.policies", "size: " + Math.max(1, size / 1024) + "kb");
    org.tinylog.configuration.Configuration.set("writer.format", "{message}");
    org.tinylog.configuration.Configuration.set("autoshutdown", "false");
    Files.createDirectories(Path.of(dir));
    return new Sink(l -> org.tinylog.Logger.info(l), () -> {
      try {
        org.tinylog.provider.ProviderRegistry.getLoggingProvider().shutdown();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
  }
}
