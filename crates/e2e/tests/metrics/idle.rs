//! A route whose circuit opened and that then gets no more traffic: its gauge must not stay at
//! "open".

use serde_json::json;
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;

use super::stage::{client, envoy, listener, nervous, route, rules, series_until, trip, value};

/// Values of `tidegate_breaker_state`.
const HALF_OPEN: f64 = 2.0;
const OPEN: f64 = 3.0;

fn wait_for_state(envoy: &Envoy, state: f64) {
    series_until(envoy, &format!("the state {state}"), |series| {
        let labels = [("tidegate_route", "idle/app")];
        value(series, "tidegate_breaker_state", &labels) == Some(state)
    });
}

#[test]
fn state_of_an_idle_route_changes_with_time() {
    for concurrency in [1, 2, 4] {
        let refused = Refused::default();
        let configuration = json!({ "breaker": nervous("2s") });
        let listener = listener(&configuration, vec![route(0, "idle", "app")]);
        let envoy = envoy(&refused, &["app"], listener, concurrency, rules());
        trip(&client(&envoy), 0);
        wait_for_state(&envoy, OPEN);
        wait_for_state(&envoy, HALF_OPEN);
    }
}

/// The workers of a new configuration have not seen a request of the route.
#[test]
fn state_of_an_idle_route_changes_after_a_new_configuration() {
    for concurrency in [1, 2] {
        let refused = Refused::default();
        let of = |name: &str| {
            let configuration = json!({ "brand": { "name": name }, "breaker": nervous("3s") });
            listener(&configuration, vec![route(0, "idle", "app")])
        };
        let envoy = envoy(&refused, &["app"], of("One"), concurrency, rules());
        trip(&client(&envoy), 0);
        wait_for_state(&envoy, OPEN);
        envoy.replace_listeners(&[of("Two")]);
        wait_for_state(&envoy, HALF_OPEN);
    }
}
