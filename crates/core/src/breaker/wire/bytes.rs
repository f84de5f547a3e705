//! The values that a record consists of, and their bytes.

use crate::breaker::window::Counts;
use crate::time::Timestamp;

/// The rest of a record.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
    pub(super) version: u8,
}

impl Reader<'_> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a number per second; none that cannot be.
    pub(super) fn rate(&mut self) -> Option<f64> {
        self.number().filter(|rate| rate.is_sign_positive())
    }

    pub(super) fn number(&mut self) -> Option<f64> {
        let number = self.array().map(f64::from_le_bytes)?;
        number.is_finite().then_some(number)
    }

    pub(super) fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp::from_millis)
    }

    pub(super) fn counts(&mut self) -> Option<Counts> {
        Some(Counts {
            total: self.u32()?,
            failed: self.u32()?,
            slow: self.u32()?,
        })
    }
}

pub(super) fn put_u32s(out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

pub(super) fn put_numbers(out: &mut Vec<u8>, numbers: &[f64]) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

pub(super) fn put_times(out: &mut Vec<u8>, times: &[Timestamp]) {
    for time in times {
        out.extend_from_slice(&time.as_millis().to_le_bytes());
    }
}

pub(super) fn put_counts(out: &mut Vec<u8>, counts: Counts) {
    put_u32s(out, &[counts.total, counts.failed, counts.slow]);
}
