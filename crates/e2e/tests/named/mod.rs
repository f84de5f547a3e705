//! Every kind of outage on a real Envoy has the right reason everywhere: page, problem document,
//! `Proxy-Status`, response code details, filter state, metrics, `tidegate explain`.
//!
//! The log has the format of `envoy/access-log.yaml`. Beside it Envoy writes its default text
//! format, so that the test also fixes what that format reveals.

mod log;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{tidegate, Listener};
use tidegate_e2e::message::{Request, Response};

use crate::site::kinds::{FAILURES, FAILURES_OF_5XX};
use crate::site::{kind_route, Site};

/// The listener of the test.
const NAMED: &str = "named";
/// Consecutive failures that open the circuit of the route `circuit`.
const TRIPS: u64 = 3;
/// A host without a route.
const NOWHERE: &str = "no-route.example";

/// An outage.
#[derive(Debug, Clone)]
struct Outage {
    /// First segment of the path, and name of the route.
    name: &'static str,
    reason: &'static str,
    /// The beginning of Envoy's details.
    details: &'static str,
    /// State of the circuit if it is not closed.
    circuit: Option<&'static str>,
    retryable: bool,
    /// Whether the failed response has no body, so that only a navigation gets one.
    is_without_body: bool,
    /// Key of its breaker, and so of its metrics.
    key: String,
}

/// Returns Envoy's own failures, those of the upstream, and those that only this test causes.
fn outages() -> Vec<Outage> {
    let kinds = FAILURES.iter().chain(FAILURES_OF_5XX);
    let kinds = kinds.map(|kind| Outage {
        name: kind.name,
        reason: kind.reason,
        details: kind.details,
        circuit: None,
        retryable: kind.retryable,
        is_without_body: kind.is_without_body(),
        key: match kind.name {
            // Envoy names its clusters in the details.
            "no-cluster" => "no-cluster/".to_owned(),
            name if kind.cluster.is_empty() => format!("{name}/"),
            name => format!("{name}/{}", kind.cluster),
        },
    });
    let more = [
        (
            "circuit",
            "circuit_open",
            "connection_refused",
            Some("open"),
            true,
        ),
        ("forced", "circuit_open", "", Some("open"), true),
        ("maintenance", "maintenance", "", None, true),
        (
            "direct",
            "proxy_internal_error",
            "direct_response",
            None,
            true,
        ),
        (
            "nowhere",
            "destination_not_found",
            "route_not_found",
            None,
            false,
        ),
    ];
    let more = more.map(|(name, reason, details, circuit, retryable)| Outage {
        name,
        reason,
        details,
        circuit,
        retryable,
        is_without_body: matches!(name, "direct" | "nowhere"),
        key: match name {
            "circuit" => "circuit/refused".to_owned(),
            "direct" => "direct/".to_owned(),
            "nowhere" => "/".to_owned(),
            name => format!("{name}/h1"),
        },
    });
    // The upstream breaks off a response that the page has already replaced.
    let kinds = kinds.filter(|kind| kind.name != "502-cut");
    kinds.chain(more).collect()
}

impl Outage {
    fn request(&self, asker: &str) -> Request {
        let mut request = Request::get(&format!("/{}/{asker}", self.name));
        match self.name {
            "no-name" => request.authority = "nowhere.invalid".to_owned(),
            "nowhere" => request.authority = NOWHERE.to_owned(),
            _ => {}
        }
        request
    }

    fn page(&self, client: &Client) -> Result<(), String> {
        let request = self.request("page").header("accept", "text/html");
        let answer = client.get(&request);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let title = body.contains("<!doctype html>") && body.contains(self.reason);
        expect("a page that names it", title, &body)?;
        self.headers(&answer)
    }

    fn problem(&self, client: &Client) -> Result<(), String> {
        let request = self
            .request("problem")
            .header("accept", "application/problem+json");
        let answer = client.get(&request);
        self.headers(&answer)?;
        if self.is_without_body {
            return expect("no body", answer.body.is_empty(), &answer.body);
        }
        let problem: Value = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
        expect("problem", problem["reason"] == self.reason, &problem)?;
        expect(
            "retryable",
            problem["retryable"] == self.retryable,
            &problem,
        )
    }

    fn headers(&self, answer: &Response) -> Result<(), String> {
        let error = format!("gateway; error={}", self.reason);
        let status = answer.header("proxy-status").unwrap_or_default();
        let named = status.split(", ").any(|member| {
            member
                .strip_prefix(error.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(';'))
        });
        expect("Proxy-Status", named, &status)?;
        let marker = answer.header("x-tidegate-page");
        expect("marker", marker == Some(self.reason), &marker)
    }
}

fn expect(what: &str, is_so: bool, found: &dyn std::fmt::Debug) -> Result<(), String> {
    match is_so {
        true => Ok(()),
        false => Err(format!("{what}: {found:?}")),
    }
}

fn configuration() -> String {
    json!({
        "intercept": { "statuses": ["5xx", 404] },
        "breaker": { "mode": "disabled" },
        "routes": [
            { "name": "circuit", "match": { "route": "circuit" }, "breaker": {
                "mode": "enforce", "open": { "base": "60s", "max": "60s" },
                "consecutive": { "failures": TRIPS, "for": "0s" },
            } },
            { "name": "forced", "match": { "route": "forced" }, "breaker": { "mode": "forced_open" } },
            { "name": "maintenance", "match": { "route": "maintenance" }, "maintenance": true },
        ],
    })
    .to_string()
}

fn site() -> Site {
    let filter = tidegate(&tidegate_e2e::module(), Some(&configuration()));
    Site::with_listeners(vec![(NAMED, vec![filter])], |listener: Listener| {
        if listener.name() != NAMED {
            return listener;
        }
        let direct = json!({ "name": "direct", "match": { "prefix": "/direct/" },
            "direct_response": { "status": 502 } });
        let own = [
            kind_route("circuit", "refused", json!({})),
            kind_route("forced", "h1", json!({})),
            kind_route("maintenance", "h1", json!({})),
            kind_route("200-cut", "h1", json!({})),
            direct,
        ];
        listener
            .first_routes(own)
            .virtual_host(json!({ "domains": ["site.example", "*.invalid"] }))
            .manager(json!({ "access_log": log::both(NAMED) }))
    })
}

#[test]
fn every_outage_has_its_reason_everywhere() {
    let site = site();
    let client = site.client(NAMED, Protocol::H1);
    let mut asked = 0;
    // The circuit opens because of its own failures.
    for _ in 0..TRIPS {
        let answer = client.get(&Request::get("/circuit/trip"));
        assert_eq!(answer.header("x-tidegate-page"), Some("connection_refused"));
        asked += 1;
    }
    let outages = outages();
    let mut findings = Vec::new();
    for outage in &outages {
        for (place, found) in [
            ("page", outage.page(&client)),
            ("problem", outage.problem(&client)),
        ] {
            asked += 1;
            findings.extend(
                found
                    .err()
                    .map(|error| format!("{} at {place}: {error}", outage.name)),
            );
        }
    }
    // No page can replace half a response, so only logs and metrics have the reason.
    let broken = site
        .client(NAMED, Protocol::H1)
        .get(&Request::get("/200-cut/page"));
    assert!(broken.broken.is_some(), "{broken:?}");
    asked += 1;
    let lines = site.envoy.wait_for_access_lines(NAMED, asked);
    findings.extend(log::lines(&lines, &outages));
    findings.extend(log::explained(&site, &outages));
    findings.extend(metrics(&site, &outages));
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Every word in the filter's tables occurs in the binary of this Envoy; a word that Envoy does not
/// have would never match. (Envoy builds some words from parts; none of these.) A compiler can make
/// instructions of a word of fifteen letters: the tests of `chain` cause that one.
#[test]
fn envoy_has_every_word_of_the_tables() {
    let program = std::fs::read(tidegate_e2e::envoy::binary()).expect("read Envoy");
    let is_there = |word: &str| memchr::memmem::find(&program, word.as_bytes()).is_some();
    let missing: Vec<&str> = tidegate_core::failure::known_words()
        .filter(|word| *word != "ext_authz_error")
        // Envoy writes blanks in these words as underscores.
        .filter(|word| !is_there(word) && !is_there(&word.replace('_', " ")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// Checks the metrics: each outage was requested twice, and `circuit` failed [`TRIPS`] times
/// before. (A response that broke off is not intercepted.)
fn metrics(site: &Site, outages: &[Outage]) -> Vec<String> {
    let mut want = BTreeMap::from([(stat("connection_refused", "circuit/refused"), TRIPS)]);
    for outage in outages {
        want.insert(stat(outage.reason, &outage.key), 2);
    }
    // The filter publishes them at the next tick.
    let total = want.values().sum();
    let pattern = "^wasmcustom%5C.tidegate%5C.intercepted";
    let got: BTreeMap<String, u64> = site
        .envoy
        .wait_for_stats(pattern, total)
        .into_iter()
        .collect();
    let names = want.keys().chain(got.keys()).collect::<BTreeSet<_>>();
    let wrong = names
        .into_iter()
        .filter(|name| want.get(*name) != got.get(*name));
    wrong
        .map(|name| format!("{name} is {:?}, not {:?}", got.get(name), want.get(name)))
        .collect()
}

fn stat(reason: &str, key: &str) -> String {
    format!("wasmcustom.tidegate.intercepted.reason.{reason}.route.{key}")
}
