//! The owner's panel: one page that shows the state of the site and switches it.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde::Deserialize;
use serde_json::json;

use super::envoy::{Counts, ROUTE_TIMEOUT};
use super::site::{Mode, Site, State};
use super::Event;
use crate::http::{lock, Request, Response};

const PAGE: &str = include_str!("assets/panel.html");
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// The page loads nothing from other sites, and other sites cannot frame it.
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                   connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What the panel shows and switches.
pub(super) struct Panel {
    pub(super) site: Arc<Site>,
    /// Responses to visitors, as last read from Envoy.
    pub(super) counts: Arc<Mutex<Counts>>,
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
            ("POST", "/state") if foreign(request) => refusal(
                403,
                "only the panel's own page and programs may switch the site",
            ),
            ("POST", "/state") => self.switch(&request.body),
            (_, "/state") => refusal(405, "GET shows the state, POST changes it")
                .with("allow", "GET, HEAD, POST"),
            _ => refusal(404, "there is / and /state"),
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

    fn state(&self) -> Response {
        let state = self.site.state();
        let counts = *lock(&self.counts);
        let state = json!({
            "mode": state.mode,
            "up": state.up,
            "site": state.to_string(),
            "visitor": visitor(state),
            "url": self.url,
            "served": counts.served,
            "failed": counts.failed,
            "reached": self.site.reached(),
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

/// Returns what a visitor gets in this state.
fn visitor(state: State) -> String {
    let page = "Tidegate's page";
    match (state.mode, state.up) {
        (Mode::Fine, _) => "the shop".to_owned(),
        (Mode::Down, _) => format!("{page}: 502, connection_refused"),
        (Mode::Slow, _) => {
            let seconds = ROUTE_TIMEOUT.as_secs();
            format!("after {seconds} s, {page}: 504, http_response_timeout")
        }
        (Mode::BadGateway, _) => {
            format!("{page} in place of the application's own: 502, upstream_bad_gateway")
        }
        (Mode::Flapping, true) => "the shop, until it goes down again".to_owned(),
        (Mode::Flapping, false) => {
            format!("{page}: 502, connection_refused, until it comes up again")
        }
    }
}

#[cfg(test)]
mod tests;
