//! Clients with addresses of their own, which send at a steady rate, whatever becomes of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tidegate_e2e::client::upload::Upload;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::Request;
use tokio::task::JoinSet;

use super::Findings;
use crate::breaker::bench::{is_rejected, wait_until};

/// The share of the requests of visitors that must be served.
const SERVED: f64 = 0.99;

/// The number of requests of one load that may be on their way at the same time. Each has a connection, and if
/// Envoy gets no processor, further ones would take what files the process may still open.
const MOST_UNDER_WAY: usize = 400;

/// One client address.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// The address.
    pub(crate) address: String,
    /// The number of connections, which the kernel distributes over the workers.
    connections: usize,
}

impl Who {
    /// Returns one that sends many requests.
    pub(crate) fn busy() -> Self {
        Self {
            address: "203.0.113.66".to_owned(),
            connections: 4,
        }
    }

    /// Returns a client with one connection.
    pub(crate) fn client(number: usize) -> Self {
        Self {
            address: format!("198.51.100.{number}"),
            connections: 1,
        }
    }

    /// Returns clients that differ, except from those of another call.
    pub(crate) fn clients(count: usize) -> Vec<Self> {
        (1..=count).map(Self::client).collect()
    }

    /// Returns its connections to a listener. They are not open yet.
    pub(crate) fn connect(&self, listener: SocketAddr) -> Vec<Client> {
        (0..self.connections)
            .map(|_| Client::new(Protocol::H1, listener))
            .collect()
    }
}

/// What a client sends.
#[derive(Debug, Clone)]
pub(crate) enum Shot {
    /// A request.
    Ask(Request),
    /// A request with a body that takes its time, on a connection of its own.
    Upload(Upload, Request),
}

impl Shot {
    /// Returns the end of a request that was not sent, since too many others are on their way.
    fn not_sent(self) -> Seen {
        let (Self::Ask(request) | Self::Upload(_, request)) = self;
        Seen {
            path: request.path,
            sent: Instant::now(),
            end: End::Failed(format!("not sent: {MOST_UNDER_WAY} are on their way")),
        }
    }

    /// Returns what sends this request for other paths. The argument is the number of the request.
    pub(crate) fn paths(
        request: Request,
        path: impl Fn(u64) -> String + Send + 'static,
    ) -> impl Fn(u64) -> Shot + Send + 'static {
        move |number| {
            let path = path(number);
            Shot::Ask(Request {
                path,
                ..request.clone()
            })
        }
    }
}

/// How a request ended, for its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The upstream's own good response.
    Served,
    /// A circuit is open.
    Rejected,
    /// Anything else, in words.
    Failed(String),
}

/// One request that is over.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) sent: Instant,
    pub(crate) end: End,
}

/// Clients that run until this value is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) per_second: u32,
    started: Instant,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Load {
    /// Sends `what` so many times a second. The argument is the number of the request.
    pub(super) fn start(
        listener: SocketAddr,
        who: &[Who],
        names: bool,
        per_second: u32,
        what: impl Fn(u64) -> Shot + Send + 'static,
    ) -> Load {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let all = seen.clone();
        let mut clients = Vec::new();
        for one in who {
            let address = names.then(|| one.address.clone());
            let connections = one.connect(listener).into_iter();
            clients.extend(connections.map(|client| (Arc::new(client), address.clone())));
        }
        let work = async move {
            let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
            let mut under_way = JoinSet::new();
            for (number, (client, address)) in (0..).zip(clients.iter().cycle()) {
                pace.tick().await;
                let shot = with_address(what(number), address.as_deref());
                let (client, all) = (client.clone(), all.clone());
                let is_too_many = under_way.len() >= MOST_UNDER_WAY;
                under_way.spawn(async move {
                    let seen = match is_too_many {
                        true => shot.not_sent(),
                        false => fire(&client, listener, shot).await,
                    };
                    all.lock().expect("what was seen").push(seen);
                });
                while under_way.try_join_next().is_some() {}
            }
        };
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, tidegate_e2e::runtime().handle());
        Load {
            per_second,
            started: Instant::now(),
            seen,
            _tasks: tasks,
        }
    }

    /// Returns how long it has been running.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the number of requests that are over.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().expect("what was seen").len()
    }

    /// Returns the requests that are over, in the order of their ends.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("what was seen").clone()
    }

    /// Waits until it has run for so long, counted by its requests.
    pub(crate) fn run_for(&self, time: Duration) {
        let count = (f64::from(self.per_second) * time.as_secs_f64()) as usize;
        wait_until(&format!("{count} requests"), || {
            (self.count() >= count).then_some(())
        });
    }

    /// Returns the first rejected request that was sent after a point in time.
    pub(crate) fn first_rejection(&self, after: Instant) -> Option<Seen> {
        let seen = self.seen();
        let rejected = seen
            .into_iter()
            .filter(|one| one.end == End::Rejected && one.sent >= after);
        rejected.min_by_key(|one| one.sent)
    }

    /// Returns the number of rejected requests.
    pub(crate) fn rejected(&self) -> usize {
        let seen = self.seen();
        seen.iter().filter(|one| one.end == End::Rejected).count()
    }

    /// Checks that the visitors are served: at least 99 in 100 requests.
    pub(crate) fn is_served(&self) -> Findings {
        self.is_served_since(self.started, 1)
    }

    /// Waits until so many requests are over that were sent after a point in time, and checks that at
    /// least 99 in 100 of these are served.
    pub(crate) fn is_served_since(&self, since: Instant, count: usize) -> Findings {
        wait_until(&format!("{count} requests"), || {
            let seen = self.seen();
            let late = seen.iter().filter(|one| one.sent >= since);
            (late.count() >= count).then_some(())
        });
        let mut seen = self.seen();
        seen.retain(|one| one.sent >= since);
        let served = seen.iter().filter(|one| one.end == End::Served).count();
        if !seen.is_empty() && served as f64 >= SERVED * seen.len() as f64 {
            return Findings::new();
        }
        let wrong = seen.iter().find(|one| one.end != End::Served);
        let wrong = wrong.map(|one| {
            let after = (one.sent - self.started).as_secs_f64();
            format!("{} after {after:.2} s: {:?}", one.path, one.end)
        });
        let by_second = self.by_second();
        vec![format!(
            "{served} of {} visits were served; first {wrong:?}; served and not, by second: {by_second:?}",
            seen.len()
        )]
    }

    /// Returns how many requests of each second were served, and how many were not.
    pub(crate) fn by_second(&self) -> Vec<[u32; 2]> {
        let mut seconds = Vec::new();
        for one in self.seen() {
            let second = (one.sent - self.started).as_secs() as usize;
            seconds.resize(seconds.len().max(second + 1), [0; 2]);
            seconds[second][usize::from(one.end != End::Served)] += 1;
        }
        seconds
    }
}

/// Sends so many requests at the same moment, each over its own connection.
pub(super) fn burst(
    listener: SocketAddr,
    who: &Who,
    names: bool,
    count: u64,
    what: impl Fn(u64) -> Shot,
) {
    let address = names.then_some(who.address.as_str());
    let mut under_way = JoinSet::new();
    for number in 0..count {
        let shot = with_address(what(number), address);
        let client = Client::new(Protocol::H1, listener);
        let one = async move { fire(&client, listener, shot).await };
        under_way.spawn_on(one, tidegate_e2e::runtime().handle());
    }
    tidegate_e2e::runtime().block_on(async { while under_way.join_next().await.is_some() {} });
}

fn with_address(shot: Shot, address: Option<&str>) -> Shot {
    let add = |request: Request| match address {
        Some(address) => request.header("x-forwarded-for", address),
        None => request,
    };
    match shot {
        Shot::Ask(request) => Shot::Ask(add(request)),
        Shot::Upload(upload, request) => Shot::Upload(upload, add(request)),
    }
}

async fn fire(client: &Client, listener: SocketAddr, shot: Shot) -> Seen {
    let sent = Instant::now();
    let (path, end) = match shot {
        Shot::Ask(request) => {
            let end = match client.send(&request).await {
                Ok(answer) if is_rejected(&answer) => End::Rejected,
                Ok(answer) => match answer.header("x-tidegate-page") {
                    None if answer.status == 200 => End::Served,
                    page => End::Failed(format!("{} ({page:?})", answer.status)),
                },
                Err(error) => End::Failed(error),
            };
            (request.path, end)
        }
        Shot::Upload(upload, request) => {
            let end = upload.send(Protocol::H1, listener, &request).await;
            (request.path, End::Failed(format!("{end:?}")))
        }
    };
    Seen { path, sent, end }
}
