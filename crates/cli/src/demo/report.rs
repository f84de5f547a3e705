//! Prints the addresses, commands to try, and events of the demo.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::envoy::Counts;
use super::site::State;

/// Shortest interval between lines about requests.
const EVERY: Duration = Duration::from_secs(5);

/// Prints to standard output.
pub(super) struct Report {
    began: Instant,
    state: Option<State>,
    requests: Summary,
}

impl Report {
    /// Prints the addresses and what to try.
    pub(super) fn begin(url: &str, panel: &str, now: Instant) -> Self {
        say(&format!(
            "\
Harbour Coffee is open: a small shop behind Envoy with Tidegate.

  The shop           {url}
  The owner's panel  {panel}

Open both in a browser, press \"Down\" in the panel, and reload the shop.
Its page asks every few seconds whether the shop is back: press \"Fine\",
and the shop is there within seconds, however long it was down.
While it is down, press \"20 visitors\": the circuit opens and spares the shop.

While the shop is down, look at the same failure as other clients get it:

  curl -i {url}
  curl -i -H 'accept: application/json' {url}api/beans
  curl -i -H 'accept: text/html' {url}
  curl -I {url}
  curl -i -d bean=quayside {url}order
  curl -i --http2-prior-knowledge -H 'content-type: application/grpc' -d '' {url}

The panel has an HTTP interface too (modes: fine, down, slow, 502, flapping,
maintenance):

  curl -d '{{\"mode\":\"slow\"}}' {panel}state
  curl -d '{{\"visitors\":20,\"obey\":true}}' {panel}crowd

Ctrl-C ends all of it.
"
        ));
        Self {
            began: now,
            state: None,
            requests: Summary::new(now),
        }
    }

    /// Prints the state of the site if it has changed.
    pub(super) fn state(&mut self, state: State, now: Instant) {
        if self.state.replace(state) == Some(state) {
            return;
        }
        self.line(now, &format!("the site is {state}"));
    }

    /// Takes the current counters; prints a line if requests failed recently.
    pub(super) fn counts(&mut self, visitors: Counts, reached: u64, now: Instant) {
        if let Some(line) = self.requests.take(visitors, reached, now) {
            self.line(now, &line);
        }
    }

    /// Prints that the demo has ended, if it was stopped.
    pub(super) fn end(&self, as_asked: bool) {
        if as_asked {
            say("\nEnvoy, the shop and the panel are closed.\n");
        }
    }

    fn line(&self, now: Instant, text: &str) {
        let seconds = now.saturating_duration_since(self.began).as_secs();
        say(&format!("[{seconds:>4} s] {text}\n"));
    }
}

/// Prints; a closed pipe does not end the demo.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints that Envoy starts, which takes a moment: it compiles the module.
pub(super) fn starting() {
    say("Starting Envoy with the filter ...\n\n");
}

/// Summarizes counters.
struct Summary {
    since: Instant,
    visitors: Counts,
    reached: u64,
}

impl Summary {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            visitors: Counts::default(),
            reached: 0,
        }
    }

    /// Returns a line if one is due and requests have failed.
    fn take(&mut self, visitors: Counts, reached: u64, now: Instant) -> Option<String> {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < EVERY {
            return None;
        }
        let served = visitors.served.saturating_sub(self.visitors.served);
        let failed = visitors.failed.saturating_sub(self.visitors.failed);
        let through = reached.saturating_sub(self.reached);
        *self = Self {
            since: now,
            visitors,
            reached,
        };
        let seconds = elapsed.as_secs();
        (failed > 0).then(|| {
            format!(
                "in the last {seconds} s: {served} requests served, {failed} failed, \
                 {through} reached the site"
            )
        })
    }
}

#[cfg(test)]
mod tests;
