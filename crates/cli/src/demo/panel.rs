//! The owner's panel: one page that shows the state of the site and switches it.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde::Deserialize;
use serde_json::json;

use super::crowd::{self, Crowds};
use super::probe::Probe;
use super::site::{Mode, Site};
use super::watch::Watch;
use super::Event;
use crate::http::{lock, Request, Response};

const PAGE: &str = include_str!("assets/panel.html");
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// The page loads nothing from other sites, and other sites cannot frame it.
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                   connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; \
                   form-action 'none'";

/// What the panel shows and switches.
pub(super) struct Panel {
    pub(super) site: Arc<Site>,
    /// The latest statistics of Envoy.
    pub(super) watch: Arc<Mutex<Watch>>,
    /// The latest response to a visitor.
    pub(super) probe: Arc<Probe>,
    /// Visitors whom the panel sends.
    pub(super) crowds: Crowds,
    /// Puts the shop into maintenance, or ends it.
    pub(super) maintenance: Box<dyn Fn(bool) + Send + Sync>,
    /// URL of the shop.
    pub(super) url: String,
    /// Receives the switches.
    pub(super) events: Sender<Event>,
}

/// The body of `POST /state`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    mode: Mode,
}

impl Panel {
    /// Answers one request to the panel.
    pub(super) fn answer(&self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", "/") => {
                Response::new(200, HTML, PAGE).with("content-security-policy", CSP)
            }
            ("GET" | "HEAD", "/state") => self.state(),
            ("POST", "/state" | "/crowd") if foreign(request) => refusal(
                403,
                "only the panel's own page and programs may switch the site",
            ),
            ("POST", "/state") => self.switch(&request.body),
            ("POST", "/crowd") => self.send(&request.body),
            (_, "/state") => refusal(405, "GET shows the state, POST changes it")
                .with("allow", "GET, HEAD, POST"),
            (_, "/crowd") => refusal(405, "POST sends visitors").with("allow", "POST"),
            _ => refusal(404, "there is /, /state and /crowd"),
        }
    }

    fn switch(&self, body: &[u8]) -> Response {
        let mode = match serde_json::from_slice::<Wish>(body) {
            Ok(wish) => wish.mode,
            Err(error) => {
                let words = Mode::ALL.map(Mode::word).join(", ");
                return refusal(
                    400,
                    &format!("{error}; wanted: {{\"mode\": one of {words}}}"),
                );
            }
        };
        let switched = self.site.switch(mode, Instant::now());
        (self.maintenance)(mode == Mode::Maintenance);
        self.probe.switched();
        let (event, response) = match switched {
            Ok(()) => (Event::Turned, self.state()),
            Err(error) => (
                Event::SiteLost(error),
                refusal(500, "the site lost its port"),
            ),
        };
        // Fails if the demo is ending.
        let _ = self.events.send(event);
        response
    }

    fn send(&self, body: &[u8]) -> Response {
        let wish = serde_json::from_slice(body);
        let wish = wish.map_err(|error| format!("{error}; wanted: {}", crowd::FORM));
        match wish.and_then(|wish| self.crowds.send(wish)) {
            Ok(()) => self.state(),
            Err(error) => refusal(400, &error),
        }
    }

    fn state(&self) -> Response {
        let state = self.site.state();
        let (visitor, hint_s) = match self.probe.look() {
            Some((words, hint_s)) => (Some(words), hint_s),
            None => (None, None),
        };
        let watch = lock(&self.watch);
        let counts = watch.counts();
        let state = json!({
            "mode": state.mode,
            "up": state.up,
            "site": state.to_string(),
            "visitor": visitor,
            "hint_s": hint_s,
            "url": self.url,
            "served": counts.served,
            "failed": counts.failed,
            "rejected": counts.rejected,
            "reached": self.site.reached(),
            "circuit": watch.circuit(),
            "history": watch.history(),
            "crowd": self.crowds.state(),
        });
        Response::new(200, JSON, format!("{state}\n"))
    }
}

/// Returns whether a browser sends this from another site's page, whose origin it then names.
fn foreign(request: &Request) -> bool {
    let own = request.header("host").map(|host| format!("http://{host}"));
    request
        .header("origin")
        .is_some_and(|origin| Some(origin) != own.as_deref())
}

fn refusal(status: u16, message: &str) -> Response {
    Response::new(status, JSON, format!("{}\n", json!({ "error": message })))
}

#[cfg(test)]
mod tests;
