//! Records of the `log` crate, written to Envoy's log.
//!
//! The SDK has a logger too, but it panics if the host refuses a line.

use log::{Level, LevelFilter, Log, Metadata, Record};
use proxy_wasm::types::LogLevel;

use crate::host;

struct EnvoyLog;

/// Sends log records and panics to Envoy's log. Called once, when the module starts.
pub(crate) fn install() {
    // Fails only if another logger is set, and this module has no other.
    let _ = log::set_logger(&EnvoyLog);
    log::set_max_level(LevelFilter::Info);
    std::panic::set_hook(Box::new(|panic| {
        host::log(LogLevel::Critical, &format!("tidegate: {panic}"));
    }));
}

/// Makes `log` skip the lines that Envoy would drop. Called with each configuration.
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

impl Log for EnvoyLog {
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
