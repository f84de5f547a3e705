//! Runs independent jobs on all processors.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Runs `job` for each input and returns the results in the order of the inputs. `done` gets the
/// number of jobs that have ended, after each of them.
pub(crate) fn map<T: Sync, R: Send>(
    inputs: &[T],
    job: impl Fn(&T) -> R + Sync,
    done: &mut dyn FnMut(usize),
) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    let mut found: Vec<Option<R>> = inputs.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..threads.min(inputs.len()) {
            let (next, job, sender) = (&next, &job, sender.clone());
            scope.spawn(move || loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(input) = inputs.get(at) else {
                    return;
                };
                // It fails only if the receiver has gone, with the whole command.
                let _ = sender.send((at, job(input)));
            });
        }
        drop(sender);
        for (ended, (at, result)) in results.iter().enumerate() {
            if let Some(place) = found.get_mut(at) {
                *place = Some(result);
            }
            done(ended + 1);
        }
    });
    found.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
