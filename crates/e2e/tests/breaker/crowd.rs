//! Clients that send requests repeatedly, each over its own connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::Request;
use tokio::task::JoinSet;

use super::bench::{is_rejected, wait_until, Bench};

/// One request, as its client saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Number of the client.
    pub(crate) client: usize,
    pub(crate) sent: Instant,
    pub(crate) got: Instant,
    pub(crate) status: u16,
    pub(crate) is_rejected: bool,
}

/// Clients that run until this value is dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    seen: Arc<Mutex<Vec<Seen>>>,
    size: usize,
    tasks: JoinSet<()>,
}

impl Crowd {
    /// Starts one task per client. Each requests `path` and pauses for `rest` after each response.
    pub(crate) fn start(clients: Vec<Client>, path: &str, rest: Duration) -> Crowd {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let size = clients.len();
        for (number, client) in clients.into_iter().enumerate() {
            let (seen, request) = (seen.clone(), Request::get(path));
            let work = async move {
                loop {
                    let sent = Instant::now();
                    let answer = client.send(&request).await;
                    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", request.path));
                    seen.lock().expect("what was seen").push(Seen {
                        client: number,
                        sent,
                        got: Instant::now(),
                        status: answer.status,
                        is_rejected: is_rejected(&answer),
                    });
                    tokio::time::sleep(rest).await;
                }
            };
            tasks.spawn_on(work, tidegate_e2e::runtime().handle());
        }
        Crowd { seen, size, tasks }
    }

    /// Sends `per_second` requests for `path`, whatever their results.
    pub(crate) fn steady(address: SocketAddr, path: &str, per_second: u32) -> Crowd {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let mut tasks = JoinSet::new();
        let (all, request) = (seen.clone(), Request::get(path));
        let work = async move {
            let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
            let mut under_way = JoinSet::new();
            for client in 0.. {
                pace.tick().await;
                let (all, request) = (all.clone(), request.clone());
                under_way.spawn(async move {
                    let sent = Instant::now();
                    let answer = Client::new(Protocol::H1, address).send(&request).await;
                    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", request.path));
                    all.lock().expect("what was seen").push(Seen {
                        client,
                        sent,
                        got: Instant::now(),
                        status: answer.status,
                        is_rejected: is_rejected(&answer),
                    });
                });
                while under_way.try_join_next().is_some() {}
            }
        };
        tasks.spawn_on(work, tidegate_e2e::runtime().handle());
        let size = 0;
        Crowd { seen, size, tasks }
    }

    /// Returns new clients of a listener that are not connected yet.
    pub(crate) fn clients(address: SocketAddr, count: usize) -> Vec<Client> {
        (0..count)
            .map(|_| Client::new(Protocol::H1, address))
            .collect()
    }

    /// Returns the results so far, sorted by the time of sending.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen = self.look(<[Seen]>::to_vec);
        seen.sort_by_key(|one| one.sent);
        seen
    }

    /// Passes the results so far to `look`, in order of arrival.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&[Seen]) -> T) -> T {
        look(&self.seen.lock().expect("what was seen"))
    }

    /// Waits until each client has sent `times` requests after `since`, and returns all results.
    pub(crate) fn wait_for_each(&self, times: usize, since: Instant) -> Vec<Seen> {
        wait_until("an answer for each client", || {
            let mut counts = vec![0; self.size];
            self.look(|seen| {
                let late = seen.iter().filter(|one| one.sent >= since);
                late.for_each(|one| counts[one.client] += 1);
            });
            counts.iter().all(|n| *n >= times).then_some(())
        });
        self.seen()
    }

    /// Waits for the first rejection.
    pub(crate) fn wait_for_rejection(&self) -> Seen {
        wait_until("a rejection", || {
            self.look(|seen| seen.iter().find(|one| one.is_rejected).cloned())
        })
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

/// Opens connections to a listener until every worker has at least `each`. The kernel distributes
/// them at random, and Envoy reports the distribution.
pub(crate) fn on_every_worker(bench: &Bench, listener: &str, each: u64) -> Vec<Client> {
    let address = bench.address(listener);
    let mut clients = Vec::new();
    let worker = |n: u32| {
        let name = format!("listener.127.0.0.1_0.worker_{n}.downstream_cx_active");
        bench.envoy.stat(&name)
    };
    wait_until("connections to every worker", || {
        for client in Crowd::clients(address, 4) {
            client.get(&Request::get("/near"));
            clients.push(client);
        }
        (0..bench.concurrency)
            .all(|n| worker(n) >= each)
            .then_some(())
    });
    clients
}
