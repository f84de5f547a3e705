//! What happens at a panic, where the standard library does not see to it.
//!
//! Nothing in the module should panic. Should it, the trap is the end of the filter on this worker;
//! the place of its cause must at least be in the log. Only the place: so the messages of all the
//! panics that `core` could have, and what formats them, are left out of the module.

use core::fmt::{self, Write as _};
use core::panic::PanicInfo;

use crate::host::{self, LogLevel};

/// Room for a line; memory may be what there is no more of.
struct Line {
    bytes: [u8; 200],
    length: usize,
}

impl fmt::Write for Line {
    /// What does not fit is left out.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.iter_mut().skip(self.length);
        for (to, from) in room.zip(text.bytes()) {
            *to = from;
            self.length = self.length.saturating_add(1);
        }
        Ok(())
    }
}

#[panic_handler]
fn panicked(panic: &PanicInfo<'_>) -> ! {
    let mut line = Line {
        bytes: [0; 200],
        length: 0,
    };
    if let Some(place) = panic.location() {
        // It never fails, and there would be nobody to tell.
        let _ = write!(line, "tidegate: panicked at {place}");
    }
    let said = line.bytes.get(..line.length).unwrap_or_default();
    host::log(
        LogLevel::Critical,
        core::str::from_utf8(said).unwrap_or("tidegate: panicked"),
    );
    core::arch::wasm32::unreachable()
}
