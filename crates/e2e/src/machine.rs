//! The processors of the machine, which tests share with each other and with whatever else runs there.
//!
//! A load says something about the filter only if Envoy has a processor whenever it wants one. So the
//! scripts run the tests with a load alone, one after the other (`e2e_tests` in `scripts/lib.sh`). What a load
//! finds while Envoy has to wait for a processor is not counted: the load is played again, now without any other
//! Envoy beside it.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::envoy::Envoy;

/// The share of the time for which a worker of Envoy may wait for a processor. On two cores, `classes` and
/// `outcomes` make it wait for 0.04 to 0.1 if nothing else runs. With other tests and builds beside them, ramps were
/// cut because of late answers when a worker waited for 0.11, 0.14 and 0.29.
const MOST_WAITED: f64 = 0.1;
/// How often a load is played on a machine that is busy with something else.
const ATTEMPTS: u32 = 3;

/// Held by a test under load.
static TURN: Mutex<()> = Mutex::new(());

/// For how long a test waits for another one to end, or to begin. Then it goes on: what it finds says if it
/// was disturbed.
const PATIENCE: Duration = Duration::from_secs(90);

/// Who uses Envoys.
#[derive(Debug)]
struct Company {
    /// The number of Envoys that run.
    envoys: usize,
    /// Whether other tests must not start an Envoy, since a load runs alone or waits until it can.
    is_closed: bool,
}

static COMPANY: Mutex<Company> = Mutex::new(Company {
    envoys: 0,
    is_closed: false,
});
static COMPANY_CHANGED: Condvar = Condvar::new();

thread_local! {
    /// The number of Envoys of this thread.
    static OWN_ENVOYS: Cell<usize> = const { Cell::new(0) };
    /// Whether the load that runs alone is in this thread.
    static IS_ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Waits until the company is as wanted, or patience ends.
fn wait_for(is_wanted: impl Fn(&Company) -> bool) -> MutexGuard<'static, Company> {
    let end = Instant::now() + PATIENCE;
    let mut company = COMPANY.lock().unwrap_or_else(PoisonError::into_inner);
    while !is_wanted(&company) {
        let Some(left) = end.checked_duration_since(Instant::now()) else {
            break;
        };
        let waited = COMPANY_CHANGED.wait_timeout(company, left);
        company = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    company
}

/// An Envoy that runs, or is about to. It counts as long as the value lives.
#[derive(Debug)]
pub(crate) struct Running {
    _private: (),
}

impl Running {
    /// Waits while a load is alone. A test that has an Envoy already does not wait: the load waits for it.
    pub(crate) fn begin() -> Self {
        let goes_on = OWN_ENVOYS.get() > 0 || IS_ALONE.get();
        wait_for(|company| goes_on || !company.is_closed).envoys += 1;
        OWN_ENVOYS.set(OWN_ENVOYS.get() + 1);
        Self { _private: () }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        wait_for(|_| true).envoys -= 1;
        COMPANY_CHANGED.notify_all();
        // It may end in another thread than it began in.
        OWN_ENVOYS.set(OWN_ENVOYS.get().saturating_sub(1));
    }
}

/// A load without any other Envoy beside it, as long as the value lives.
struct Alone;

impl Alone {
    fn begin() -> Self {
        IS_ALONE.set(true);
        wait_for(|_| true).is_closed = true;
        COMPANY_CHANGED.notify_all();
        drop(wait_for(|company| company.envoys == 0));
        Self
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        wait_for(|_| true).is_closed = false;
        COMPANY_CHANGED.notify_all();
        IS_ALONE.set(false);
    }
}

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
        let _alone = (attempt > 1).then(Alone::begin);
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_load_that_is_alone_waits_for_envoys_and_keeps_further_ones_waiting() {
        let running = Running::begin();
        let (told, events) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let tell = told.clone();
        let load = thread::spawn(move || {
            let alone = Alone::begin();
            tell.send(("alone", wait_for(|_| true).envoys)).unwrap();
            // Its own Envoys do not wait.
            drop(Running::begin());
            ends.recv().unwrap();
            tell.send(("the end", wait_for(|_| true).envoys)).unwrap();
            drop(alone);
        });
        assert!(wait_for(|company| company.is_closed).is_closed);
        let other = thread::spawn(move || {
            let _running = Running::begin();
            told.send(("further", 1)).unwrap();
        });
        // A test that has one already can start another.
        drop(Running::begin());
        drop(running);
        assert_eq!(events.recv(), Ok(("alone", 0)));
        end.send(()).unwrap();
        let rest: Vec<_> = events.iter().take(2).collect();
        assert_eq!(rest, [("the end", 0), ("further", 1)]);
        load.join().unwrap();
        other.join().unwrap();
    }
}
