//! The owner's panel: one page that shows what the site does and switches it.

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
/// The page needs nothing from anywhere, and nobody else's page may press its buttons in a frame.
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                   connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What the panel shows and switches.
pub(super) struct Panel {
    pub(super) site: Arc<Site>,
    /// What visitors got, as last read from Envoy.
    pub(super) counts: Arc<Mutex<Counts>>,
    /// Where visitors come in.
    pub(super) url: String,
    /// Who wants to know of switches.
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
        // Nobody listens any more: the demo is about to end.
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

/// Whether a browser sends this from a page that is not the panel's (it then names the page's origin).
fn foreign(request: &Request) -> bool {
    let own = request.header("host").map(|host| format!("http://{host}"));
    request
        .header("origin")
        .is_some_and(|origin| Some(origin) != own.as_deref())
}

fn refusal(status: u16, message: &str) -> Response {
    Response::new(status, JSON, format!("{}\n", json!({ "error": message })))
}

/// What a visitor gets in this state.
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
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::http::parse;

    fn panel() -> (Panel, mpsc::Receiver<Event>) {
        let (events, received) = mpsc::channel();
        let panel = Panel {
            site: Arc::new(Site::start().unwrap()),
            counts: Arc::new(Mutex::new(Counts {
                served: 3,
                failed: 2,
            })),
            url: "http://127.0.0.1:8080/".to_owned(),
            events,
        };
        (panel, received)
    }

    fn ask(panel: &Panel, request: &str) -> (u16, serde_json::Value) {
        let response = panel.answer(&parse(request));
        (
            response.status,
            serde_json::from_slice(&response.body).unwrap(),
        )
    }

    fn post(panel: &Panel, headers: &str, body: &str) -> (u16, serde_json::Value) {
        let length = body.len();
        ask(
            panel,
            &format!("POST /state HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}"),
        )
    }

    #[test]
    fn every_mode_can_be_chosen_and_is_told() {
        let (panel, events) = panel();
        for mode in Mode::ALL {
            let body = json!({ "mode": mode }).to_string();
            let (status, state) = post(&panel, "", &body);
            assert_eq!((status, &state["mode"]), (200, &json!(mode)));
            assert_eq!(state["up"], json!(panel.site.state().up));
            assert_eq!((&state["served"], &state["failed"]), (&json!(3), &json!(2)));
            assert!(matches!(events.try_recv(), Ok(Event::Turned)));
            assert_eq!(ask(&panel, "GET /state HTTP/1.1\r\n\r\n"), (200, state));
        }
    }

    #[test]
    fn a_wish_that_is_none_is_refused_and_changes_nothing() {
        let (panel, events) = panel();
        for body in [
            "",
            "down",
            "{}",
            r#"{"mode":"up"}"#,
            r#"{"mode":"down","for":1}"#,
        ] {
            let (status, answer) = post(&panel, "", body);
            assert_eq!(status, 400, "{body}");
            let error = answer["error"].as_str().unwrap();
            assert!(error.contains("fine, down, slow, 502, flapping"), "{error}");
        }
        assert_eq!(panel.site.state().mode, Mode::Fine);
        assert!(events.try_recv().is_err());
    }

    #[test]
    fn a_page_of_another_origin_cannot_switch_the_site() {
        let (panel, _events) = panel();
        let down = r#"{"mode":"down"}"#;
        let table = [
            (
                "host: 127.0.0.1:8081\r\norigin: http://127.0.0.1:8081\r\n",
                200,
            ),
            ("host: 127.0.0.1:8081\r\n", 200),
            (
                "host: 127.0.0.1:8081\r\norigin: http://evil.example\r\n",
                403,
            ),
            (
                "host: 127.0.0.1:8081\r\norigin: http://127.0.0.1:8080\r\n",
                403,
            ),
            ("host: 127.0.0.1:8081\r\norigin: null\r\n", 403),
            ("origin: http://evil.example\r\n", 403),
        ];
        for (headers, expected) in table {
            assert_eq!(post(&panel, headers, down).0, expected, "{headers}");
        }
    }

    #[test]
    fn the_page_stands_alone() {
        let (panel, _events) = panel();
        let response = panel.answer(&parse("GET / HTTP/1.1\r\n\r\n"));
        let page = String::from_utf8(response.body).unwrap();
        // Every mode has its button, and nothing is fetched but the state.
        for mode in Mode::ALL {
            assert!(
                page.contains(&format!("data-mode=\"{}\"", mode.word())),
                "{mode:?}"
            );
        }
        for outside in ["http://", "https://", "src=", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
