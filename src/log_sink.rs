//! The filter's lines in Envoy's log.
//!
//! The SDK has a sink too, but one that panics when the host does not take a line.

use alloc::string::ToString;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::host::{self, LogLevel};

struct Sink;

static SINK: Sink = Sink;

/// Sends what the `log` macros say to Envoy. Called once, when the module starts.
pub(crate) fn install() {
    // A second call finds the same sink in place, which is as good.
    let _ = log::set_logger(&SINK);
    log::set_max_level(LevelFilter::Info);
    // Without the SDK there is no standard library, and `panic.rs` does this.
    #[cfg(feature = "sdk")]
    std::panic::set_hook(Box::new(|panic| {
        host::log(LogLevel::Critical, &panic.to_string())
    }));
}

/// Formats no line that Envoy would drop. Called with each configuration.
pub(crate) fn follow_envoy() {
    if let Ok(level) = host::log_level() {
        log::set_max_level(match level {
            0 => LevelFilter::Trace,
            1 => LevelFilter::Debug,
            2 => LevelFilter::Info,
            3 => LevelFilter::Warn,
            4 => LevelFilter::Error,
            _ => LevelFilter::Off,
        });
    }
}

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = match record.level() {
                Level::Trace => LogLevel::Trace,
                Level::Debug => LogLevel::Debug,
                Level::Info => LogLevel::Info,
                Level::Warn => LogLevel::Warn,
                Level::Error => LogLevel::Error,
            };
            host::log(level, &record.args().to_string());
        }
    }

    fn flush(&self) {}
}
