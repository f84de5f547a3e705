use serde_json::json;
use tidegate_e2e::client::Protocol;
use tidegate_e2e::message::Response;
use tidegate_e2e::upstream::Answer;

use super::foreign::{writing, GARBAGE, LATER};
use super::plane::{request, Plane, Settings, Site, PAGE, PLANES};
use crate::breaker::bench::{events, is_rejected, settings, wait_until, FAILURES};

/// The width of a bucket of the windows of [`settings`], in milliseconds: a tenth of five minutes.
const BUCKET: u32 = 30_000;

/// Values of `tidegate_breaker_state`.
const CLOSED: u64 = 0;
const OPEN: u64 = 3;

fn site(plane: Plane) -> Site {
    let mut breaker = settings();
    breaker["ramp"] = json!({ "duration": "1s" });
    Site::start(plane, &Settings::new(plane, json!({ "breaker": breaker })))
}

impl Site {
    /// Sends a GET request for a service, whose backend does what was [set](Self::set) for it.
    fn get(&self, service: &str) -> Response {
        self.ask(&request("GET", service, service))
    }

    fn set(&self, service: &str, status: u16) {
        let answer = Answer::status(status).body("text/html", "<p>catalogue");
        self.upstream.set(service, answer);
    }

    /// Lets a service fail until its circuit is open.
    fn trip(&self, service: &str) {
        self.set(service, 503);
        let reached = self.upstream.requests(service);
        wait_until("the circuit to open", || {
            is_rejected(&self.get(service)).then_some(())
        });
        let needed = self.upstream.requests(service) - reached;
        assert!(needed >= FAILURES, "{:?}: {needed} failures", self.plane);
        self.wait_for_state(service, OPEN);
    }

    /// Waits until the metrics report this state of the circuits of a service.
    fn wait_for_state(&self, service: &str, state: u64) {
        let key = self.key(service);
        let metric = format!("wasmcustom.tidegate.breaker.state.route.{key}");
        wait_until("the state in the metrics", || {
            (self.envoy.stat(&metric) == state).then_some(())
        });
    }

    /// Lets a service succeed again, and waits until its circuit is closed.
    fn recover(&self, service: &str) {
        self.set(service, 200);
        // Until then at most every other request passes.
        wait_until("the circuit to close", || {
            let passes = || self.get(service).status == 200;
            (0..20).all(|_| passes()).then_some(())
        });
        self.wait_for_state(service, CLOSED);
    }

    /// Lets the other plugin write a value over what the Tidegates share of a service.
    fn overwrite(&self, value: &[u8]) {
        let client = self.client(PAGE, Protocol::H1);
        for plugin in self.plugins() {
            let prefix = format!("tidegate.1.{}.{plugin}", plugin.len());
            let key = self.key("catalog");
            let mut keys = vec![format!("{prefix}/{BUCKET}/{key}")];
            // Heartbeat, open circuits, hints, and the key of passes.
            keys.extend(["!", "#", "%", "$"].map(|mark| format!("{prefix}{mark}")));
            for key in keys {
                let request = request("GET", "stream", "200-empty");
                let answer = client.get(&writing(request, &key, value));
                assert_eq!(answer.status, 200);
            }
        }
    }

    fn store_errors(&self) -> u64 {
        self.envoy.stat("wasmcustom.tidegate.breaker.store_errors")
    }
}

#[test]
fn a_circuit_opens_for_its_service_alone_and_closes_again() {
    for plane in PLANES {
        let site = site(plane);
        site.set("basket", 200);
        site.trip("catalog");
        let reached = site.upstream.requests("catalog");
        for _ in 0..20 {
            // In Istio, their routes have the same name.
            assert_eq!(site.get("basket").status, 200, "{plane:?}");
            assert_eq!(site.get("catalog").status, 503, "{plane:?}");
        }
        let probes = site.upstream.requests("catalog") - reached;
        assert!(probes <= 2, "{plane:?}: {probes}");
        site.recover("catalog");
        let basket = events(&site.envoy, &site.key("basket"));
        assert_eq!(basket, [], "{plane:?}");
    }
}

#[test]
fn garbage_in_the_shared_data_neither_rejects_nor_disables_a_circuit() {
    for plane in PLANES {
        let site = site(plane);
        site.set("basket", 200);
        for value in GARBAGE {
            site.set("catalog", 200);
            site.overwrite(value);
            for _ in 0..10 {
                assert_eq!(site.get("catalog").status, 200, "{plane:?} {value:?}");
            }
            site.trip("catalog");
            site.overwrite(value);
            assert_eq!(site.get("basket").status, 200, "{plane:?} {value:?}");
            site.recover("catalog");
        }
        let errors = site.store_errors();
        assert!(errors >= GARBAGE.len() as u64, "{plane:?}: {errors}");
    }
}

#[test]
fn a_record_that_looks_newer_than_the_filter_lets_every_request_pass() {
    for plane in PLANES {
        let site = site(plane);
        site.overwrite(LATER);
        site.set("catalog", 503);
        for n in 0..4 * FAILURES {
            let answer = site.get("catalog");
            assert_eq!(
                answer.header("x-tidegate-page"),
                Some("upstream_unavailable")
            );
            assert_eq!(site.upstream.requests("catalog"), n + 1, "{plane:?}");
        }
        assert!(site.store_errors() > 0, "{plane:?}");
    }
}
