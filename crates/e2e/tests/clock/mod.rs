//! The clock of the machine is set back while sites fail. Nothing that was known stays in the way for as long
//! as it went back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, route, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Upstream};

use crate::breaker::bench::{is_rejected, logged, plugin, wait_until};

/// The longest hint while few clients wait, in seconds: `open.max` with its jitter, rounded up.
const LONGEST_HINT: u64 = 7;

/// A wall clock that one program has for itself.
struct WallClock {
    folder: TempDir,
}

impl WallClock {
    fn new() -> Self {
        let folder = TempDir::new().expect("make a folder");
        let clock = Self { folder };
        clock.set_back(Duration::ZERO);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clock/wall_clock.c");
        let compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"])
            .arg("-o")
            .args([clock.library(), source])
            .output()
            .expect("run the C compiler");
        assert!(compiler.status.success(), "{compiler:?}");
        clock
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("wall_clock.so")
    }

    fn offset(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// Sets the clock back from the time of the machine.
    fn set_back(&self, by: Duration) {
        let next = self.folder.path().join("next");
        fs::write(&next, format!("-{}", by.as_secs())).expect("write the offset");
        // The program reads it at any time.
        fs::rename(next, self.offset()).expect("replace the offset");
    }

    /// Returns what a program needs in its environment to have this clock.
    fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("LD_PRELOAD", self.library()),
            ("CLOCK_OFFSET_FILE", self.offset()),
        ]
    }
}

fn hint(answer: &Response) -> u64 {
    let hint = answer.header("retry-after").expect("a hint");
    hint.parse().expect("seconds")
}

/// Returns the hour of the response's date, as RFC 9110 §5.6.7 writes it.
fn hour(answer: &Response) -> Option<String> {
    let date = answer.header("date")?;
    date.get(17..19).map(str::to_owned)
}

#[test]
fn after_the_clock_was_set_back_hints_log_and_circuits_are_as_before() {
    let clock = WallClock::new();
    let failing = || Answer::status(503).body("text/html", "down");
    let upstream = Upstream::start([("broken", failing()), ("busy", failing())]);
    let settings = json!({
        "breaker": { "scope": "route", "consecutive": { "failures": 5, "for": "0s" } },
        // Each request fails there, so that its failures are logged now and then.
        "routes": [{ "name": "busy", "match": { "path_prefix": "/busy" }, "breaker": { "mode": "disabled" } }],
    });
    let listener = Listener::new("page")
        .filter(plugin("tidegate", &settings.to_string()))
        .routes([route("/busy", "site"), route("/", "site")]);
    let clusters = vec![cluster("site", &[upstream.address()])];
    let mut bootstrap = Bootstrap::new(clusters, vec![listener.json()]);
    bootstrap.concurrency = 2;
    bootstrap.environment = clock.environment();
    let envoy = Envoy::start(&bootstrap);
    let client = Client::new(Protocol::H1, envoy.listener("page"));
    let get = |name: &str| client.get(&Request::get(&format!("/{name}")));
    let lines = || {
        let lines = logged(&envoy, "intercepted").into_iter();
        lines
            .filter(|line| line["reason"] == "upstream_unavailable")
            .count()
    };

    wait_until("the circuit to open", || {
        is_rejected(&get("broken")).then_some(())
    });
    get("busy");
    wait_until("a line of the log", || (lines() >= 1).then_some(()));
    let before = hour(&get("busy"));
    clock.set_back(Duration::from_secs(3600));
    wait_until("Envoy's clock to go back", || {
        (hour(&get("busy")) != before).then_some(())
    });

    let before = lines();
    for _ in 0..50 {
        for name in ["busy", "broken"] {
            let hint = hint(&get(name));
            assert!(hint <= LONGEST_HINT, "{name}: {hint} s");
        }
    }
    wait_until("the next line of the log", || {
        get("busy");
        (lines() > before).then_some(())
    });
    upstream.set("broken", Answer::status(200));
    wait_until("the site to be back", || {
        (get("broken").status == 200).then_some(())
    });
}
