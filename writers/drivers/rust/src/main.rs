//! One numbered line after another through a Rust logging library.
//!
//! Usage: driver WRITER DIR LINES PAUSE_MICROSECONDS SIZE
//! Each library rotates at about SIZE bytes and keeps far more generations than one run makes.
use std::io::Write;
use std::time::{Duration, Instant};

type Sink = Box<dyn FnMut(&str)>;

fn through_log() -> Sink {
    Box::new(|line| log::info!("{line}"))
}

fn flexi(dir: &str, size: u64) -> (Sink, Box<dyn FnOnce()>) {
    use flexi_logger::{Cleanup, Criterion, FileSpec, Logger, Naming};
    let handle = Logger::try_with_str("info")
        .expect("level")
        .log_to_file(FileSpec::default().directory(dir).basename("app").suppress_timestamp())
        .rotate(Criterion::Size(size), Naming::Numbers, Cleanup::KeepLogFiles(400))
        .format(|w, _, record| write!(w, "{}", record.args()))
        .start()
        .expect("flexi_logger");
    (through_log(), Box::new(move || handle.shutdown()))
}

fn log4rs(dir: &str, size: u64) -> (Sink, Box<dyn FnOnce()>) {
    use log4rs::append::rolling_file::policy::compound::{
        roll::fixed_window::FixedWindowRoller, trigger::size::SizeTrigger, CompoundPolicy,
    };
    use log4rs::append::rolling_file::RollingFileAppender;
    use log4rs::config::{Appender, Config, Root};
    use log4rs::encode::pattern::PatternEncoder;
    let roller = FixedWindowRoller::builder().build(&format!("{dir}/app.{{}}.log"), 50).expect("roller");
    let policy = CompoundPolicy::new(Box::new(SizeTrigger::new(size)), Box::new(roller));
    let appender = RollingFileAppender::builder()
        .encoder(Box::new(PatternEncoder::new("{m}{n}")))
        .build(format!("{dir}/app.log"), Box::new(policy))
        .expect("appender");
    let config = Config::builder()
        .appender(Appender::builder().build("f", Box::new(appender)))
        .build(Root::builder().appender("f").build(log::LevelFilter::Info))
        .expect("config");
    log4rs::init_config(config).expect("log4rs");
    (through_log(), Box::new(|| log::logger().flush()))
}

fn file_rotate(dir: &str, size: u64) -> (Sink, Box<dyn FnOnce()>) {
    use file_rotate::{compression::Compression, suffix::AppendCount, ContentLimit, FileRotate};
    let mut file = FileRotate::new(
        format!("{dir}/app.log"),
        AppendCount::new(400),
        ContentLimit::BytesSurpassed(size as usize),
        Compression::None,
        None,
    );
    (Box::new(move |line| writeln!(file, "{line}").expect("write")), Box::new(|| ()))
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (name, dir) = (args[1].as_str(), args[2].as_str());
    let lines: u64 = args[3].parse().expect("lines");
    let pause: u64 = args[4].parse().expect("pause");
    let size: u64 = args[5].parse().expect("size");
    let (mut write, close) = match name {
        "flexi_logger" => flexi(dir, size),
        "log4rs" => log4rs(dir, size),
        _ => file_rotate(dir, size),
    };
    let began = Instant::now();
    for n in 1..=lines {
        write(&format!("line {n:08} {}", "x".repeat(40 + (n % 60) as usize)));
        let due = Duration::from_micros(n * pause);
        if let Some(ahead) = due.checked_sub(began.elapsed()) {
            std::thread::sleep(ahead);
        }
    }
    close();
}
