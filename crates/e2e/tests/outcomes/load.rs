//! Requests at a steady rate, whatever becomes of them.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::{Request, Response};
use tokio::task::JoinSet;

use crate::breaker::bench::wait_until;

/// Connections of one load. The kernel distributes them over the workers.
const CONNECTIONS: usize = 8;

/// What became of a request, as its client saw it.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// A response, which may be one of the filter.
    Answered(Response),
    /// The client lost its patience and left.
    Left,
    /// No response, for this reason.
    Broken(String),
}

/// One request that is over.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) took: Duration,
    pub(crate) end: End,
}

impl Seen {
    /// Returns the response, if there was one.
    pub(crate) fn response(&self) -> Option<&Response> {
        match &self.end {
            End::Answered(response) => Some(response),
            End::Left | End::Broken(_) => None,
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Answered(response) => {
                let page = response.header("x-tidegate-page").unwrap_or("no page");
                let grpc = response.trailers.get("grpc-status");
                let grpc = grpc.or(response.header("grpc-status"));
                write!(f, "{} ({page}), grpc-status {grpc:?}", response.status)
            }
            End::Left => f.write_str("left"),
            End::Broken(why) => write!(f, "no response: {why}"),
        }
    }
}

/// Clients that run until this value is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Load {
    /// Sends `request` so many times a second. A client leaves after `patience`: it closes its
    /// connection in HTTP/1.1, and resets the stream in HTTP/2.
    pub(crate) fn start(
        protocol: Protocol,
        address: SocketAddr,
        request: Request,
        per_second: u32,
        patience: Option<Duration>,
    ) -> Load {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let all = seen.clone();
        let work = async move {
            let clients = (0..CONNECTIONS).map(|_| Arc::new(Client::new(protocol, address)));
            let clients: Vec<_> = clients.collect();
            let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut under_way = JoinSet::new();
            for client in clients.iter().cycle() {
                pace.tick().await;
                let (client, all, request) = (client.clone(), all.clone(), request.clone());
                under_way.spawn(async move {
                    let sent = Instant::now();
                    let end = one(&client, &request, patience).await;
                    let took = sent.elapsed();
                    all.lock().expect("what was seen").push(Seen { took, end });
                });
                while under_way.try_join_next().is_some() {}
            }
        };
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, tidegate_e2e::runtime().handle());
        let _tasks = tasks;
        Load { seen, _tasks }
    }

    /// Returns the requests that are over, in the order of their ends.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("what was seen").clone()
    }

    /// Waits until so many requests are over, and returns them.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Seen> {
        wait_until(&format!("{count} requests"), || {
            Some(self.seen()).filter(|seen| seen.len() >= count)
        })
    }

    /// Waits until so many requests are over. Returns how many did not get what is expected, with an
    /// example.
    pub(crate) fn unlike(
        &self,
        name: &str,
        count: usize,
        is_expected: impl Fn(&Response) -> bool,
    ) -> Option<String> {
        let seen = self.wait_for(count);
        let wrong: Vec<_> = seen
            .iter()
            .filter(|one| !one.response().is_some_and(&is_expected))
            .collect();
        let first = wrong.first()?;
        let (wrong, all) = (wrong.len(), seen.len());
        Some(format!("{name}: {wrong} of {all}, first {first}"))
    }
}

async fn one(client: &Client, request: &Request, patience: Option<Duration>) -> End {
    let sending = client.send(request);
    let end = match patience {
        None => sending.await,
        Some(patience) => match tokio::time::timeout(patience, sending).await {
            Ok(end) => end,
            Err(_) => return End::Left,
        },
    };
    match end {
        Ok(response) => End::Answered(response),
        Err(error) => End::Broken(error),
    }
}
