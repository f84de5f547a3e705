//! A visitor with a browser, which keeps the pass, and loads the parts of a page at once.

use std::sync::{Arc, Mutex};

use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::{Request, Response};
use tokio::task::JoinSet;

use super::bench::{gate, Stage};
use crate::breaker::bench::wait_until;

/// How many connections a browser opens to a host over HTTP/1.1.
const H1_CONNECTIONS: usize = 6;

/// A visitor with an address of its own.
pub(crate) struct Visitor<'a> {
    stage: &'a Stage<'a>,
    client: u32,
    protocol: Protocol,
    connection: Arc<Client>,
    /// The name and the value of the cookie.
    pass: Option<String>,
}

impl<'a> Visitor<'a> {
    /// Returns a visitor without a pass.
    pub(crate) fn new(stage: &'a Stage<'a>, client: u32, protocol: Protocol) -> Self {
        Self {
            stage,
            client,
            protocol,
            connection: Arc::new(Client::new(protocol, stage.address)),
            pass: None,
        }
    }

    /// Lets its page check in until it is let in. Returns the pass.
    pub(crate) fn check_in(&mut self) -> &str {
        let request = self.stage.check_in(self.client, "check-in");
        let answer = wait_until("a check-in to be let in", || {
            let answer = self.connection.get(&request);
            (gate(&answer) == Some("admitted")).then_some(answer)
        });
        self.pass.insert(pass_of(&answer).expect("a pass"))
    }

    /// Asks for the page until it comes, and returns that response. Keeps the pass, if it brings one.
    pub(crate) fn navigate(&mut self, page: &str) -> Response {
        let request = self.stage.get(self.client, page);
        let request = self.with_pass(request.header("sec-fetch-mode", "navigate"));
        let answer = wait_until("the page", || {
            let answer = self.connection.get(&request);
            (answer.status == 200).then_some(answer)
        });
        self.pass = self.pass.take().or_else(|| pass_of(&answer));
        answer
    }

    /// Drops the pass.
    pub(crate) fn forget(&mut self) {
        self.pass = None;
    }

    /// Loads so many parts of the page at once. Returns what came instead of those that did not come.
    pub(crate) fn load_parts(&self, count: usize) -> Vec<String> {
        let parts = (0..count).map(|part| {
            let path = format!("/part-{part}");
            self.with_pass(self.stage.request("GET", self.client, &path, "part"))
        });
        let parts: Arc<Mutex<Vec<Request>>> = Arc::new(Mutex::new(parts.collect()));
        let connections = match self.protocol {
            Protocol::H1 => (0..H1_CONNECTIONS)
                .map(|_| self.stage.connect().into())
                .collect(),
            Protocol::H2 => vec![self.connection.clone(); count],
        };
        tidegate_e2e::runtime().block_on(async {
            let mut under_way = JoinSet::new();
            for connection in connections {
                under_way.spawn(load(connection, parts.clone()));
            }
            under_way.join_all().await.concat()
        })
    }

    fn with_pass(&self, request: Request) -> Request {
        match &self.pass {
            Some(pass) => request.header("cookie", pass),
            None => request,
        }
    }
}

/// Sends requests, one after the other, until none is left. Returns what came instead of a part.
async fn load(connection: Arc<Client>, parts: Arc<Mutex<Vec<Request>>>) -> Vec<String> {
    let mut missing = Vec::new();
    loop {
        let part = parts.lock().expect("the parts").pop();
        let Some(part) = part else { return missing };
        match connection.send(&part).await {
            Ok(answer) if answer.status == 200 => {}
            other => missing.push(format!("{}: {other:?}", part.path)),
        }
    }
}

/// Returns the pass that a response brings: the name and the value of the cookie.
pub(crate) fn pass_of(answer: &Response) -> Option<String> {
    let cookie = answer.header("set-cookie")?;
    Some(cookie.split(';').next()?.to_owned())
}
