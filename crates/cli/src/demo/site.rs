//! The site behind the gateway: a small shop that its owner can break in several ways.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::http::{lock, Handler, Request, Response, Server};

/// How long a slow response takes; well over the timeout of the route.
const SLOW: Duration = Duration::from_secs(6);
/// How long a flapping site stays up and down.
pub(super) const FLAP: Duration = Duration::from_secs(6);

const SHOP: &str = include_str!("assets/shop.html");
const THANKS: &str = include_str!("assets/thanks.html");
const STYLE: &str = include_str!("assets/shop.css");
const UGLY: &str = include_str!("assets/ugly-502.html");
const BEANS: &str = include_str!("assets/beans.json");

/// The owner's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// Answers.
    Fine,
    /// Its port refuses connections.
    Down,
    /// Answers long after the timeout of the route.
    Slow,
    /// Answers 502 with its own error page.
    #[serde(rename = "502")]
    BadGateway,
    /// Alternates between up and down.
    Flapping,
    /// Answers, while the filter shows the maintenance page.
    Maintenance,
}

impl Mode {
    /// All modes, in the order of the panel.
    pub(super) const ALL: [Mode; 6] = [
        Mode::Fine,
        Mode::Down,
        Mode::Slow,
        Mode::BadGateway,
        Mode::Flapping,
        Mode::Maintenance,
    ];

    /// Returns its name in the panel's JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            Mode::Fine => "fine",
            Mode::Down => "down",
            Mode::Slow => "slow",
            Mode::BadGateway => "502",
            Mode::Flapping => "flapping",
            Mode::Maintenance => "maintenance",
        }
    }
}

/// The current state of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// The owner's choice.
    pub(super) mode: Mode,
    /// Whether the port is open: always, except while down and in every second phase of flapping.
    pub(super) up: bool,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.mode, self.up) {
            (Mode::Fine, _) => "fine",
            (Mode::Down, _) => "down: its port refuses connections",
            (Mode::Slow, _) => "slow: it answers long after the route's timeout",
            (Mode::BadGateway, _) => "broken: it answers 502 with its own error page",
            (Mode::Flapping, true) => "flapping: up for a moment",
            (Mode::Flapping, false) => "flapping: down for a moment",
            (Mode::Maintenance, _) => "in maintenance: Tidegate answers instead",
        })
    }
}

/// The shop, its port and its mode.
pub(super) struct Site {
    server: Server,
    shared: Arc<Shared>,
    /// When a flapping site changes next. Locked during a whole switch, so that switches do not
    /// interleave.
    turn: Mutex<Option<Instant>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    reached: AtomicU64,
    /// URL of the owner's panel, once it is known.
    panel: OnceLock<String>,
}

impl Site {
    /// Starts a site in the mode fine, on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port can be bound.
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                mode: Mode::Fine,
                up: true,
            }),
            changed: Condvar::new(),
            reached: AtomicU64::new(0),
            panel: OnceLock::new(),
        });
        let answering = shared.clone();
        let handler: Arc<Handler> = Arc::new(move |request| answering.answer(request));
        // Uses keep-alive, as Envoy expects; closing after each response would hide what happens to
        // connections that are open when the site goes down.
        let server = Server::reserve(0, true, handler)?;
        server.open()?;
        Ok(Self {
            server,
            shared,
            turn: Mutex::new(None),
        })
    }

    /// Returns the port, which stays the same, open or closed.
    pub(super) fn port(&self) -> u16 {
        self.server.port()
    }

    /// Sets the URL to which the shop's footer links.
    pub(super) fn set_panel(&self, url: &str) {
        // It is set once.
        let _ = self.shared.panel.set(url.to_owned());
    }

    /// Returns the current state.
    pub(super) fn state(&self) -> State {
        *lock(&self.shared.state)
    }

    /// Returns the number of requests that reached the site.
    pub(super) fn reached(&self) -> u64 {
        self.shared.reached.load(Ordering::Relaxed)
    }

    /// Switches the mode. On return it is in effect. A flapping site goes down first.
    ///
    /// # Errors
    /// The port could not be bound again.
    pub(super) fn switch(&self, mode: Mode, now: Instant) -> io::Result<()> {
        let mut turn = lock(&self.turn);
        *turn = (mode == Mode::Flapping).then(|| now + FLAP);
        self.set_state(State {
            mode,
            up: !matches!(mode, Mode::Down | Mode::Flapping),
        })
    }

    /// Changes a flapping site if it is time. Returns whether it did.
    ///
    /// # Errors
    /// The port could not be bound again.
    pub(super) fn tick(&self, now: Instant) -> io::Result<bool> {
        let mut turn = lock(&self.turn);
        if turn.is_none_or(|at| now < at) {
            return Ok(false);
        }
        *turn = Some(now + FLAP);
        let State { mode, up } = self.state();
        self.set_state(State { mode, up: !up })?;
        Ok(true)
    }

    fn set_state(&self, state: State) -> io::Result<()> {
        *lock(&self.shared.state) = state;
        self.shared.changed.notify_all();
        if state.up {
            self.server.open()
        } else {
            self.server.close()
        }
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Response {
        self.reached.fetch_add(1, Ordering::Relaxed);
        // A separate statement, since a lock in the head of the match would be held over its arms.
        let mode = lock(&self.state).mode;
        match mode {
            Mode::BadGateway => {
                return Response::new(502, "text/html", UGLY).with("server", "shop")
            }
            Mode::Slow => self.dawdle(),
            Mode::Fine | Mode::Down | Mode::Flapping | Mode::Maintenance => {}
        }
        page(request, self.panel.get().map_or("/", String::as_str))
    }

    /// Waits, at most as long as the mode lasts.
    fn dawdle(&self) {
        let state = lock(&self.state);
        // Both ends of the wait are fine, and so is a poisoned lock.
        let _ = self
            .changed
            .wait_timeout_while(state, SLOW, |state| state.mode == Mode::Slow);
    }
}

/// Returns the pages of the shop, which link to the panel.
fn page(request: &Request, panel: &str) -> Response {
    const HTML: &str = "text/html; charset=utf-8";
    match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/") => Response::new(200, HTML, SHOP.replace("{panel}", panel)),
        ("POST", "/order") => Response::new(200, HTML, THANKS.replace("{panel}", panel)),
        ("GET" | "HEAD", "/order") => Response::new(303, HTML, "").with("location", "/"),
        ("GET" | "HEAD", "/shop.css") => Response::new(200, "text/css", STYLE),
        ("GET" | "HEAD", "/api/beans") => Response::new(200, "application/json", BEANS),
        _ => Response::new(404, "text/plain; charset=utf-8", "Nothing here.\n"),
    }
}

#[cfg(test)]
mod tests;
