//! Scenarios that run at the same time, and what their counts say.

use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::machine;

/// A scenario on its own routes of a bench. It panics if it fails.
pub(crate) type Scenario<Bench> = (&'static str, fn(&Bench));

/// Runs scenarios at the same time on one bench, which has one Envoy. Fails if any of them fails.
pub(crate) fn run_all<Bench: Sync>(
    start: impl Fn() -> Bench,
    envoy: fn(&Bench) -> &Envoy,
    scenarios: &[Scenario<Bench>],
) {
    machine::under_load(|| {
        let bench = &start();
        let all = scenarios.iter();
        let ends = run_at_once(all.map(|&(name, play)| (name.to_owned(), move || play(bench))));
        machine::Findings::new(names_of_failed(ends), envoy(bench))
    });
}

/// Returns the names of the scenarios that panicked.
pub(crate) fn names_of_failed(ends: Vec<(String, Option<()>)>) -> Vec<String> {
    let failed = ends.into_iter().filter(|(_, end)| end.is_none());
    failed.map(|(name, _)| name).collect()
}

/// Runs scenarios, each in a thread of its name. Returns what each returned, or none if it panicked.
pub(crate) fn run_at_once<T: Send>(
    scenarios: impl Iterator<Item = (String, impl FnOnce() -> T + Send)>,
) -> Vec<(String, Option<T>)> {
    std::thread::scope(|scope| {
        let start = |(name, play): (String, _)| {
            let thread = std::thread::Builder::new().name(name.clone());
            let thread = thread.spawn_scoped(scope, play);
            (name, thread.expect("start a thread"))
        };
        let threads: Vec<_> = scenarios.map(start).collect();
        let ends = threads.into_iter();
        ends.map(|(name, thread)| (name, thread.join().ok()))
            .collect()
    })
}

/// Returns the highest mean of so many counts in a row; 0 if there are fewer.
pub(crate) fn highest_mean(counts: &[u32], of: usize) -> f64 {
    let sums = counts.windows(of).map(|some| some.iter().sum::<u32>());
    f64::from(sums.max().unwrap_or(0)) / of as f64
}
