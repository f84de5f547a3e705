//! A visitor alone, at a site with the default configuration: the page is back soon after the site.

use serde_json::{json, Value};
use tidegate_e2e::client::browser;
use tidegate_e2e::config::{cluster, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};

use super::fine;

/// How long each site is down, in seconds, and the status that it answers with; without one, it refuses
/// connections.
const OUTAGES: [(u64, Option<u16>); 10] = [
    (5, None),
    (10, Some(503)),
    (15, Some(502)),
    (20, None),
    (25, Some(502)),
    (30, Some(503)),
    (37, None),
    (45, Some(502)),
    (52, Some(503)),
    (60, None),
];

/// A site: a listener and an upstream of its own.
struct Site {
    name: String,
    seconds: u64,
    status: Option<u16>,
    upstream: Upstream,
}

impl Site {
    fn break_down(&self) {
        match self.status {
            Some(status) => self.upstream.set("", Answer::status(status)),
            None => self.upstream.close_port(),
        }
    }

    fn recover(&self) {
        match self.status {
            Some(_) => self.upstream.set("", fine()),
            None => self.upstream.open_port(),
        }
    }
}

#[test]
fn a_visitor_alone_is_back_within_five_seconds() {
    let sites = OUTAGES.map(|(seconds, status)| Site {
        name: format!("site-{seconds}"),
        seconds,
        status,
        upstream: Upstream::start::<_, Behaviour>([("", fine().into())]),
    });
    let module = tidegate_e2e::module();
    let clusters = sites
        .iter()
        .map(|site| cluster(&site.name, &[site.upstream.address()]));
    let listeners = sites.iter().map(|site| {
        Listener::new(&site.name)
            .filter(tidegate(&module, Some("{}")))
            .routes([route("/", &site.name)])
            .json()
    });
    let envoy = Envoy::start(&Bootstrap::new(clusters.collect(), listeners.collect()));
    let outages = sites.iter().map(|site| {
        json!({
            "name": site.name,
            "seconds": site.seconds,
            "url": format!("http://{}/", envoy.listener(&site.name)),
        })
    });
    let facts = json!({ "outages": outages.collect::<Vec<_>>() });
    let passed = browser::run("alone.mjs", &facts, |asked| {
        let site = sites
            .iter()
            .find(|site| asked["name"] == site.name.as_str());
        let site = site.expect("the name of a site");
        match asked["is"].as_str() {
            Some("down") => site.break_down(),
            Some("up") => site.recover(),
            _ => println!("{} s: {asked}", site.seconds),
        }
        Value::Null
    });
    assert_eq!(passed.len(), OUTAGES.len(), "{passed:#?}");
}
