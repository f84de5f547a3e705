use super::*;
use crate::paths::{address, SitePath, ONE_CLIENT};
use crate::rng::Stream;
use tidegate_core::config::Config;

const WORKERS: usize = 2;
const SLICE_MS: u64 = 10;
/// The circuit opens within the first two seconds, and stays open for a minute.
const OPEN_MS: u64 = 2_000;

/// A proxy, its clients and its random numbers.
struct Site {
    proxy: Proxy,
    decisions: Stream,
    hints: Stream,
}

impl Site {
    fn new() -> Self {
        let json = r#"{"breaker": {"open": {"base": "60s", "max": "60s"}}}"#;
        let policy = Config::from_json(json.as_bytes()).unwrap().policy;
        Self {
            proxy: Proxy::new(&policy.breaker, &policy.retry, WORKERS),
            decisions: Stream::new(1, 3),
            hints: Stream::new(1, 2),
        }
    }

    /// A client asks for the front page of an upstream that is dead. Returns its hint, without the
    /// open time of the circuit, in milliseconds.
    fn ask(&mut self, number: u32, now_ms: u64, hints: &mut Stream) -> u64 {
        let worker = number as usize % WORKERS;
        let asker = Asker {
            path: SitePath::FRONT,
            address: address(number),
        };
        let (proxy, rng) = (&mut self.proxy, &mut self.decisions);
        match proxy.try_acquire(worker, asker, now_ms, rng) {
            Ok(permit) => proxy.record(worker, asker, permit, Answer::Refused, now_ms, rng),
            Err(rejection) => assert_eq!(rejection.state, State::Open),
        }
        let rejected = Rejected {
            worker,
            client: asker.address,
            now_ms,
            remaining_ms: 0,
        };
        proxy.hint_ms(rejected, hints)
    }

    fn tick(&mut self, now_ms: u64) {
        for worker in 0..WORKERS {
            if (now_ms + worker as u64 * 20) % 50 == 0 {
                self.proxy.tick(worker, now_ms, 0.5);
            }
        }
    }
}

/// Returns the most by which the hint of any visitor changes, in milliseconds, because one more client
/// asks a thousand times within ten seconds. Each visitor asks once; this many come in 10 ms.
fn moved_ms(visitors: u32) -> u64 {
    let (mut usual, mut hammered) = (Site::new(), Site::new());
    let mut hammer_hints = Stream::new(1, 5);
    let (mut most_ms, mut hammer_requests, mut visitor) = (0, 0, 0);
    for now_ms in (0..OPEN_MS + 20_000).step_by(SLICE_MS as usize) {
        if (OPEN_MS..OPEN_MS + 10_000).contains(&now_ms) {
            hammered.ask(ONE_CLIENT, now_ms, &mut hammer_hints);
            hammer_requests += 1;
        }
        for _ in 0..visitors {
            let of = |site: &mut Site| {
                let mut hints = site.hints.clone();
                let hint_ms = site.ask(visitor, now_ms, &mut hints);
                site.hints = hints;
                hint_ms
            };
            most_ms = most_ms.max(of(&mut usual).abs_diff(of(&mut hammered)));
            visitor += 1;
        }
        usual.tick(now_ms);
        hammered.tick(now_ms);
    }
    assert_eq!(hammer_requests, 1_000);
    assert_eq!(usual.proxy.state(), State::Open);
    assert_eq!(hammered.proxy.state(), State::Open);
    most_ms
}

#[test]
fn a_thousand_requests_of_one_client_move_nobody_elses_hint_by_more_than_a_second() {
    // Where there is room for all check-ins, where they just fit, and where a crowd needs more.
    let found = [1, 4, 5, 10].map(|visitors| (visitors, moved_ms(visitors)));
    assert!(
        found.iter().all(|&(_, moved_ms)| moved_ms <= 1_000),
        "visitors in 10 ms, and by how many ms their hints move: {found:?}"
    );
}
