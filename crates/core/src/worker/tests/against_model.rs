//! One worker and the naive model, side by side, in random stories.

use proptest::prelude::*;

use super::model::{Model, ModelDecision, Request, TestOutcome};
use super::*;
use crate::config::RampRate;

/// A step of a story.
#[derive(Debug, Clone)]
enum Event {
    /// Milliseconds pass, with a tick every 50 ms.
    Wait(u64),
    /// A request arrives and draws this number, in thousandths.
    Arrive { draw: u16, has_pass: bool },
    /// One of the requests in flight ends.
    End { which: usize, outcome: TestOutcome },
    /// Requests arrive and end at once, one after the other.
    Requests {
        many: u8,
        draw: u16,
        has_pass: bool,
        outcome: TestOutcome,
    },
    /// Three requests succeed every half second.
    Healthy { seconds: u8 },
}

/// The worker and the model, side by side.
struct Both {
    world: World,
    model: Model,
    /// What the route usually has: requests per second, and latency.
    usual: (f64, Duration),
    in_flight: Vec<(Permit, Request)>,
}

impl Both {
    /// Lets the worker know the usual rate, but not of so many samples that it is sure.
    fn know_usual(&mut self) {
        let load = self.world.load(0, "r");
        load.mean = self.usual.0 as f32;
    }

    fn apply(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match *event {
            Event::Wait(ms) => {
                for _ in 0..ms {
                    self.world.now = self.world.now.saturating_add(millis(1));
                    self.model.now_ms += 1;
                    if self.model.now_ms % 50 == 0 {
                        self.world.tick(0);
                        // A tick counts a second without requests.
                        self.know_usual();
                        self.model.tick(self.world.draw);
                        self.compare()?;
                    }
                }
                Ok(())
            }
            Event::Arrive { draw, has_pass } => self.arrives(draw, has_pass),
            Event::End { which, outcome } => {
                if !self.in_flight.is_empty() {
                    let (permit, request) = self.in_flight.remove(which % self.in_flight.len());
                    self.ends(permit, request, outcome);
                }
                self.compare()
            }
            Event::Healthy { seconds } => {
                let well = Event::Requests {
                    many: 3,
                    draw: 10,
                    has_pass: false,
                    outcome: TestOutcome::Success,
                };
                for _ in 0..2 * u16::from(seconds) {
                    self.apply(&well)?;
                    self.apply(&Event::Wait(500))?;
                }
                Ok(())
            }
            Event::Requests {
                many,
                draw,
                has_pass,
                outcome,
            } => {
                for _ in 0..many {
                    let before = self.in_flight.len();
                    self.arrives(draw, has_pass)?;
                    if self.in_flight.len() > before {
                        let (permit, request) = self.in_flight.pop().unwrap();
                        self.ends(permit, request, outcome);
                    }
                    self.compare()?;
                }
                Ok(())
            }
        }
    }

    fn arrives(&mut self, draw: u16, has_pass: bool) -> Result<(), TestCaseError> {
        self.world.draw = (f64::from(draw) + 0.5) / 1_000.0;
        let (want, request) = self.model.arrive(has_pass, self.world.draw);
        let caller = Caller {
            has_pass,
            ..Caller::default()
        };
        let got = match self.world.acquire_as(0, "r", &caller) {
            Ok(permit) => {
                let is_probe = permit.is_probe();
                self.in_flight
                    .extend(request.map(|request| (permit, request)));
                ModelDecision::Admitted { is_probe }
            }
            Err(rejection) => ModelDecision::Rejected {
                remaining_ms: rejection.remaining.as_millis() as u64,
            },
        };
        prop_assert_eq!(got, want);
        self.compare()
    }

    fn ends(&mut self, permit: Permit, request: Request, outcome: TestOutcome) {
        self.world.record(0, "r", permit, outcome.result());
        self.model.end(request, outcome, self.world.draw);
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let Some(view) = self.world.workers[0].view_of("r") else {
            return Ok(());
        };
        let model = &self.model;
        prop_assert_eq!(
            view.state,
            model.state,
            "at {} ms",
            model.now_ms - START.as_millis()
        );
        prop_assert_eq!(view.generation as usize, model.period);
        if model.state == State::Open {
            prop_assert_eq!(view.until.as_millis(), model.until_ms);
        }
        if model.state == State::Ramp {
            let (got, want) = (view.recovery.ramp.rate, model.rate());
            prop_assert!((got - want).abs() <= want * 1e-9, "{got} {want}");
        }
        Ok(())
    }
}

fn outcome() -> impl Strategy<Value = TestOutcome> {
    prop_oneof![
        6 => Just(TestOutcome::Success),
        6 => Just(TestOutcome::Failure),
        1 => Just(TestOutcome::SlowSuccess),
        1 => Just(TestOutcome::SlowFailure),
        1 => (0_u8..80).prop_map(|retry_after_s| TestOutcome::Overloaded { retry_after_s }),
        2 => Just(TestOutcome::ClientLeft),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_u64..120).prop_map(Event::Wait),
        3 => (300_u64..2_500).prop_map(Event::Wait),
        1 => (2_500_u64..15_000).prop_map(Event::Wait),
        3 => (0_u16..1000, any::<bool>()).prop_map(|(draw, has_pass)| Event::Arrive { draw, has_pass }),
        4 => (0_usize..8, outcome()).prop_map(|(which, outcome)| Event::End { which, outcome }),
        1 => (1_u8..200).prop_map(|seconds| Event::Healthy { seconds }),
        6 => (1_u8..60, 0_u16..1000, prop::bool::weighted(0.2), outcome())
            .prop_map(|(many, draw, has_pass, outcome)| Event::Requests { many, draw, has_pass, outcome }),
    ]
}

prop_compose! {
    fn some_settings()(
        window in prop::sample::select(vec![1_u64, 2, 10]),
        min_requests in prop::sample::select(vec![1_u32, 3, 10, 20]),
        failure_ratio in prop::sample::select(vec![0.25, 0.5, 1.0]),
        consecutive_failures in prop::sample::select(vec![1_u32, 5, 10, 1_000]),
        consecutive_ms in prop::sample::select(vec![0_u64, 300, 1_000]),
        slow in any::<bool>(),
        jitter in prop::sample::select(vec![0.0, 0.25, 1.0]),
        max in prop::sample::select(vec![2_u64, 5, 15]),
        permits in 1_u32..4,
        timeout in prop::sample::select(vec![1_u64, 10]),
        ramp in prop::sample::select(vec![1_u64, 2, 4, 10, 20]),
        ramp_rate in prop::sample::select(vec![None, None, Some(0.5), Some(8.0), Some(100.0)]),
    ) -> Settings {
        settings(|s| {
            s.window = Duration::from_secs(window);
            s.min_requests = min_requests;
            s.failure_ratio = failure_ratio;
            s.consecutive.failures = consecutive_failures;
            s.consecutive.duration = Duration::from_millis(consecutive_ms);
            s.failures.slow = slow.then(|| Duration::from_secs(1));
            s.open.jitter = jitter;
            s.open.max = Duration::from_secs(max);
            s.probe.permits = permits;
            s.probe.timeout = Duration::from_secs(timeout);
            s.ramp.duration = Duration::from_secs(ramp);
            s.ramp.rate = ramp_rate.map_or(RampRate::Auto, RampRate::PerSecond);
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_worker_behaves_as_the_model(
        settings in some_settings(),
        usual_rate in prop::sample::select(vec![0.0, 1.0, 30.0, 1_000.0]),
        latency_ms in prop::sample::select(vec![0_u64, 125, 1_000]),
        story in prop::collection::vec(event(), 0..60),
    ) {
        let usual = (usual_rate, Duration::from_millis(latency_ms));
        let mut both = Both {
            world: World::new(1, settings.clone()),
            model: Model::new(settings, usual),
            usual,
            in_flight: Vec::new(),
        };
        both.know_usual();
        for _ in 0..if latency_ms == 0 { 0 } else { 5 } {
            both.world.load(0, "r").add_latency(usual.1);
        }
        for event in &story {
            both.apply(event)?;
        }
    }
}
