//! What happens at a panic, where the standard library does not see to it.
//!
//! Nothing in the module should panic. Should it, the trap is the end of the filter on this worker;
//! the place of its cause must at least be in the log. Only the place: so the messages of all the
//! panics that `core` could have, and what formats them, are left out of the module.

use core::panic::PanicInfo;

use crate::host::{self, LogLevel};

/// Room for a line; memory may be what there is no more of.
struct Line {
    bytes: [u8; 200],
    length: usize,
}

impl Line {
    /// What does not fit is left out.
    fn add(&mut self, text: &[u8]) {
        let room = self.bytes.iter_mut().skip(self.length);
        for (to, from) in room.zip(text) {
            *to = *from;
            self.length = self.length.wrapping_add(1);
        }
    }

    /// A colon and a number.
    fn add_number(&mut self, number: u32) {
        self.add(b":");
        let mut unit = 1_u32;
        while number.checked_div(unit).is_some_and(|rest| rest >= 10) {
            unit = unit.saturating_mul(10);
        }
        while let Some(digit) = number.checked_div(unit) {
            self.add(&[b'0'.wrapping_add(digit.wrapping_rem(10) as u8)]);
            unit = unit.wrapping_div(10);
        }
    }
}

#[panic_handler]
fn panicked(panic: &PanicInfo<'_>) -> ! {
    let mut line = Line {
        bytes: [0; 200],
        length: 0,
    };
    line.add(b"tidegate: panicked");
    if let Some(place) = panic.location() {
        line.add(b" at ");
        line.add(place.file().as_bytes());
        line.add_number(place.line());
        line.add_number(place.column());
    }
    let said = line.bytes.get(..line.length).unwrap_or_default();
    host::log(
        LogLevel::Critical,
        core::str::from_utf8(said).unwrap_or("tidegate: panicked"),
    );
    core::arch::wasm32::unreachable()
}
