//! The filter's lines in Envoy's log.
//!
//! Without the `log` crate: its macros format by way of the standard library, which is five kilobytes
//! of the module (see `tidegate_core::text`), and the SDK's sink panics when the host does not take a
//! line.

use core::sync::atomic::{AtomicU32, Ordering};

use tidegate_core::text::{decimal, Joined};

use crate::host::{self, HostError, LogLevel};

/// The least that Envoy writes.
static LEAST: AtomicU32 = AtomicU32::new(LogLevel::Info as u32);

/// Sees to it that a panic is in the log. Called once, when the module starts.
pub(crate) fn install() {
    // Without the SDK there is no standard library, and `panic.rs` does this.
    #[cfg(feature = "sdk")]
    std::panic::set_hook(Box::new(|panic| {
        host::log(LogLevel::Critical, &panic.to_string())
    }));
}

/// Makes no line that Envoy would drop. Called with each configuration.
pub(crate) fn follow_envoy() {
    if let Ok(level) = host::log_level() {
        LEAST.store(level, Ordering::Relaxed);
    }
}

/// Writes a line, given in parts.
pub(crate) fn write(level: LogLevel, parts: &[&str]) {
    if level as u32 >= LEAST.load(Ordering::Relaxed) {
        host::log(level, &parts.joined());
    }
}

/// Writes a line about a host call that failed, around its status.
pub(crate) fn failed(level: LogLevel, before: &str, HostError(status): HostError, after: &str) {
    let status = decimal(u64::from(status));
    let parts = ["tidegate: ", before, " (host status ", &status, ")", after];
    write(level, &parts);
}
