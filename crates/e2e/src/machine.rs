//! The processors of the machine, which tests share with each other and with whatever else runs there.
//!
//! A load says something about the filter only if Envoy has a processor whenever it wants one. So the
//! scripts run the tests with a load without others beside them, one after the other (`e2e_tests` in
//! `scripts/lib.sh`). What a load finds while Envoy has to wait for a processor is not counted, and the load is
//! played again.

use std::sync::{Mutex, PoisonError};

use crate::envoy::Envoy;

/// The share of the time for which a worker of Envoy may wait for a processor. On two cores, `classes` and
/// `outcomes` make it wait for 0.04 to 0.1 if nothing else runs. With other tests and builds beside them, ramps were
/// cut because of late answers when a worker waited for 0.11, 0.14 and 0.29.
const MOST_WAITED: f64 = 0.1;
/// How often a load is played on a machine that is busy with something else.
const ATTEMPTS: u32 = 3;

/// Held by a test under load.
static TURN: Mutex<()> = Mutex::new(());

/// What was found wrong under a load.
#[derive(Debug)]
pub struct Findings {
    findings: Vec<String>,
    waited: f64,
}

impl Findings {
    /// Returns findings, in words, with the Envoy under load, which still runs.
    pub fn new(findings: Vec<String>, envoy: &Envoy) -> Self {
        Self {
            findings,
            waited: envoy.waited(),
        }
    }
}

/// Plays a load when it is its turn, and again if it finds something while Envoy has to wait for
/// processors.
///
/// # Panics
/// If it finds something, and the machine was not busy, or was busy each time.
pub fn under_load(play: impl Fn() -> Findings) {
    // A test that failed in its turn has poisoned nothing.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for attempt in 1..=ATTEMPTS {
        let Findings { findings, waited } = play();
        println!("Envoy waited for processors for {waited:.2} of the time");
        if findings.is_empty() {
            return;
        }
        let counts = waited <= MOST_WAITED || attempt == ATTEMPTS;
        assert!(
            !counts,
            "attempt {attempt}, Envoy waited for processors for {waited:.2} of the time: {findings:#?}"
        );
        println!("attempt {attempt} does not count, since the machine is busy: {findings:#?}");
    }
}
