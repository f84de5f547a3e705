//! Requests at a steady rate, whatever becomes of them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tidegate_e2e::client::Client;
use tidegate_e2e::message::{Request, Response};
use tokio::task::JoinSet;

use super::bench::Stage;
use crate::breaker::bench::{is_rejected, wait_until};

/// One request, as its client saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) sent: Instant,
    pub(crate) got: Instant,
    pub(crate) answer: Response,
}

/// Clients that run until this value is dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Crowd {
    /// Sends so many requests a second, to all workers. The argument is the number of the request.
    pub(crate) fn start(
        stage: &Stage<'_>,
        per_second: u32,
        what: impl Fn(u32) -> Request + Send + 'static,
    ) -> Crowd {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let all = seen.clone();
        let clients: Vec<Arc<Client>> = stage.connect_to_all().into_iter().map(Arc::new).collect();
        let work = async move {
            let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
            let mut under_way = JoinSet::new();
            for (number, client) in (0..).zip(clients.iter().cycle()) {
                pace.tick().await;
                let (client, all, request) = (client.clone(), all.clone(), what(number));
                under_way.spawn(async move {
                    let sent = Instant::now();
                    let answer = client.send(&request).await;
                    let answer = answer.unwrap_or_else(|error| panic!("{request:?}: {error}"));
                    let got = Instant::now();
                    let seen = Seen { sent, got, answer };
                    all.lock().expect("what was seen").push(seen);
                });
                while under_way.try_join_next().is_some() {}
            }
        };
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, tidegate_e2e::runtime().handle());
        Crowd {
            seen,
            _tasks: tasks,
        }
    }

    /// Sends so many requests a second that the upstream counts as `name`. They come from so many
    /// clients, in turn.
    pub(crate) fn of_clients(
        stage: &Stage<'_>,
        per_second: u32,
        clients: u32,
        name: &str,
    ) -> Crowd {
        let requests: Vec<Request> = (0..clients).map(|client| stage.get(client, name)).collect();
        Crowd::start(stage, per_second, move |number| {
            requests[(number % clients) as usize].clone()
        })
    }

    /// Returns what was seen so far, in the order in which it was sent.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen = self.seen.lock().expect("what was seen").clone();
        seen.sort_by_key(|one| one.sent);
        seen
    }

    /// Waits until a request is answered that was sent later and is as `wanted`.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        since: Instant,
        wanted: impl Fn(&Response) -> bool,
    ) -> Seen {
        wait_until(what, || {
            let seen = self.seen.lock().expect("what was seen");
            let found = seen
                .iter()
                .find(|one| one.sent >= since && wanted(&one.answer));
            found.cloned()
        })
    }

    /// Waits until a request is rejected that was sent later.
    pub(crate) fn wait_for_rejection(&self, since: Instant) {
        self.wait_for("a rejection", since, is_rejected);
    }
}
