//! Faults: host calls that fail or return wrong data, on request and reproducibly.

use std::collections::BTreeMap;

use crate::abi::{status, Call, Gives};
use crate::rng::Rng;

/// How a host call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does nothing and returns this status; 0 claims success.
    Status(u32),
    /// Success with a null pointer and size 0, as Envoy returns empty values.
    Empty,
    /// Success with a null pointer and a size other than 0.
    NullWithSize,
    /// Success with a valid pointer and a size of 4 GiB - 1.
    HugeSize,
    /// Success with random bytes, or a random number, instead of the value.
    Garbage,
    /// Success with the value truncated at a random place.
    Truncated,
    /// Success with the value, one of its first 32-bit words replaced by a huge number. In a header map
    /// that is a count or a length.
    HugeWord,
}

impl Fault {
    /// The faults of returned data.
    pub const OF_DATA: [Fault; 6] = [
        Fault::Empty,
        Fault::NullWithSize,
        Fault::HugeSize,
        Fault::Garbage,
        Fault::Truncated,
        Fault::HugeWord,
    ];

    /// Returns every fault that `call` can have; those of data `variations` times, with different seeds.
    pub fn all_of(call: Call, variations: u64) -> Vec<(Fault, Faults)> {
        let with = |fault, seed| (fault, Faults::always(call, fault).seed(seed));
        let mut all: Vec<_> = status::EVERY
            .iter()
            .map(|s| with(Fault::Status(*s), 0))
            .collect();
        if call.gives() != Gives::Nothing {
            for fault in Fault::OF_DATA {
                all.extend((0..variations).map(|seed| with(fault, seed)));
            }
        }
        all
    }

    /// Returns a random fault that `call` can have.
    fn any(call: Call, rng: &mut Rng) -> Fault {
        if call.gives() == Gives::Nothing || rng.one_in(2) {
            Fault::Status(*rng.pick(&status::EVERY))
        } else {
            *rng.pick(&Fault::OF_DATA)
        }
    }
}

/// The faults in force: which calls fail, and how.
#[derive(Debug, Clone)]
pub struct Faults {
    always: BTreeMap<Call, Fault>,
    nth: Vec<(Call, u64, Fault)>,
    /// One call in this many fails in a random way; 0 for none.
    chaos: usize,
    seen: BTreeMap<Call, u64>,
    injected: u64,
    pub(crate) rng: Rng,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            always: BTreeMap::new(),
            nth: Vec::new(),
            chaos: 0,
            seen: BTreeMap::new(),
            injected: 0,
            rng: Rng::new(1),
        }
    }
}

impl Faults {
    /// Returns no faults.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// Makes every `call` fail.
    pub fn always(call: Call, fault: Fault) -> Faults {
        Faults::none().and_always(call, fault)
    }

    /// Makes every `call` fail, in addition to the faults in `self`.
    pub fn and_always(mut self, call: Call, fault: Fault) -> Faults {
        self.always.insert(call, fault);
        self
    }

    /// Makes the `n`-th `call` fail, counted from 0.
    pub fn nth(call: Call, n: u64, fault: Fault) -> Faults {
        let mut faults = Faults::none();
        faults.nth.push((call, n, fault));
        faults
    }

    /// Makes one call in `one_in` fail in a random way, chosen by `seed`.
    pub fn chaos(seed: u64, one_in: usize) -> Faults {
        Faults {
            chaos: one_in,
            rng: Rng::new(seed),
            ..Faults::default()
        }
    }

    /// Sets the seed of random bytes and places.
    pub fn seed(mut self, seed: u64) -> Faults {
        self.rng = Rng::new(seed);
        self
    }

    /// Returns how many calls have failed. A test that injects a fault checks this, so that it fails if
    /// the module no longer makes the call.
    pub fn injected(&self) -> u64 {
        self.injected
    }

    /// Chooses the fault of this call.
    pub(crate) fn choose(&mut self, call: Call) -> Option<Fault> {
        let seen = self.seen.entry(call).or_default();
        let n = *seen;
        *seen += 1;
        let fault = if let Some(fault) = self.always.get(&call) {
            Some(*fault)
        } else if let Some((_, _, fault)) = self.nth.iter().find(|(c, i, _)| *c == call && *i == n)
        {
            Some(*fault)
        } else if self.chaos > 0 && self.rng.one_in(self.chaos) {
            Some(Fault::any(call, &mut self.rng))
        } else {
            None
        };
        self.injected += u64::from(fault.is_some());
        fault
    }

    /// Returns the bytes that replace `data`.
    pub(crate) fn corrupt(&mut self, fault: Fault, data: &[u8]) -> Vec<u8> {
        let mut data = data.to_vec();
        match fault {
            Fault::Garbage => {
                let len = if data.is_empty() { 16 } else { data.len() };
                self.rng.bytes(len)
            }
            Fault::Truncated => {
                data.truncate(self.rng.below(data.len()));
                data
            }
            Fault::HugeWord if data.len() >= 4 => {
                // Count and lengths are at the front.
                let words = (data.len() / 4).min(9);
                let at = 4 * self.rng.below(words);
                let huge: u32 = *self
                    .rng
                    .pick(&[u32::MAX, 0x7fff_ffff, 0x8000_0000, 0x2000_0000]);
                data[at..at + 4].copy_from_slice(&huge.to_le_bytes());
                data
            }
            _ => data,
        }
    }
}
