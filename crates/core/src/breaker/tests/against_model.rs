//! One worker and the naive model, side by side, in random stories.

use std::time::Duration;

use proptest::prelude::*;

use super::model::{Answer, How, Model, Request};
use super::*;

/// What may happen; a failing story reads as a list of these.
#[derive(Debug, Clone)]
enum Event {
    /// So many milliseconds pass, with a tick at each full 50.
    TimePasses(u64),
    /// A request arrives and draws this number, in thousandths.
    ARequestArrives { draw: u16 },
    /// One of the requests that are under way ends.
    ARequestEnds { which: usize, how: How },
    /// Requests arrive, and end at once, one after the other.
    RequestsComeAndGo { many: u8, draw: u16, how: How },
    /// For so long, half of a second's requests come and go well at its beginning, half later.
    AllIsWellFor { seconds: u8 },
}

/// The real one and the model, side by side.
struct Both {
    world: World,
    model: Model,
    under_way: Vec<(Ticket, Request)>,
}

impl Both {
    fn happens(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match *event {
            Event::TimePasses(ms) => {
                for _ in 0..ms {
                    self.world.now_ms += 1;
                    self.model.now_ms += 1;
                    if self.model.now_ms % 50 == 0 {
                        let at = self.world.at();
                        self.world.workers[0].tick(&mut self.world.store, at);
                        self.model.tick(at.draw);
                        self.compare()?;
                    }
                }
                Ok(())
            }
            Event::ARequestArrives { draw } => self.arrives(draw),
            Event::ARequestEnds { which, how } => {
                if !self.under_way.is_empty() {
                    let (ticket, request) = self.under_way.remove(which % self.under_way.len());
                    self.ends(ticket, request, how);
                }
                self.compare()
            }
            Event::AllIsWellFor { seconds } => {
                let well = Event::RequestsComeAndGo {
                    many: 3,
                    draw: 10,
                    how: How::Well,
                };
                for _ in 0..2 * u16::from(seconds) {
                    self.happens(&well)?;
                    self.happens(&Event::TimePasses(500))?;
                }
                Ok(())
            }
            Event::RequestsComeAndGo { many, draw, how } => {
                for _ in 0..many {
                    let before = self.under_way.len();
                    self.arrives(draw)?;
                    if self.under_way.len() > before {
                        let (ticket, request) = self.under_way.pop().unwrap();
                        self.ends(ticket, request, how);
                    }
                    self.compare()?;
                }
                Ok(())
            }
        }
    }

    fn arrives(&mut self, draw: u16) -> Result<(), TestCaseError> {
        self.world.draw = (f64::from(draw) + 0.5) / 1_000.0;
        let (want, request) = self.model.arrive(self.world.draw);
        let got = match self.world.admit(0, "r") {
            Admission::Admit(ticket) => {
                self.under_way
                    .extend(request.map(|request| (ticket, request)));
                Answer::Admitted {
                    is_probe: ticket.permit.is_some(),
                }
            }
            Admission::Reject(Rejection { remaining_ms, .. }) => Answer::Rejected { remaining_ms },
        };
        prop_assert_eq!(got, want);
        self.compare()
    }

    fn ends(&mut self, ticket: Ticket, request: Request, how: How) {
        let at = self.world.at();
        let (bank, store) = (&mut self.world.workers[0], &mut self.world.store);
        bank.settle(store, "r", 0, ticket, how.ending(), at);
        self.model.end(request, how, at.draw);
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let Some(view) = self.world.workers[0].view("r") else {
            return Ok(());
        };
        let model = &self.model;
        prop_assert_eq!(view.state, model.state, "at {} ms", model.now_ms - START_MS);
        prop_assert_eq!(view.generation as usize, model.period);
        if model.state == State::Open {
            prop_assert_eq!(view.until_ms, model.until_ms);
        }
        if model.state == State::Ramp {
            prop_assert_eq!(u64::from(view.ramp.level), model.level);
        }
        Ok(())
    }
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        6 => Just(How::Well),
        6 => Just(How::Badly),
        1 => Just(How::Slowly),
        1 => Just(How::BadlyAndSlowly),
        1 => (0_u8..80).prop_map(|seconds| How::AskingToWait { seconds }),
        2 => Just(How::ByItsClientLeaving),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_u64..120).prop_map(Event::TimePasses),
        3 => (300_u64..2_500).prop_map(Event::TimePasses),
        1 => (2_500_u64..15_000).prop_map(Event::TimePasses),
        3 => (0_u16..1000).prop_map(|draw| Event::ARequestArrives { draw }),
        4 => (0_usize..8, how()).prop_map(|(which, how)| Event::ARequestEnds { which, how }),
        1 => (1_u8..200).prop_map(|seconds| Event::AllIsWellFor { seconds }),
        6 => (1_u8..12, 0_u16..1000, how())
            .prop_map(|(many, draw, how)| Event::RequestsComeAndGo { many, draw, how }),
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
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_worker_does_what_the_model_does(
        settings in some_settings(),
        story in prop::collection::vec(event(), 0..60),
    ) {
        let mut both = Both {
            world: World::new(1, settings.clone()),
            model: Model::new(settings),
            under_way: Vec::new(),
        };
        for event in &story {
            both.happens(event)?;
        }
    }
}
