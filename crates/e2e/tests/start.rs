//! How long a worker takes to be ready with the largest template that there can be.
//!
//! An Envoy that runs takes one listener after the other, with a small and with a large configuration
//! turn about. What counts is its processor time for one of them, which a busy machine does not add to.
//! At least two starts of the filter are in it: of a canary on the main thread, in a VM made for it, and
//! of the worker (each worker more adds one, seen with 1 to 16 of them). Their mean is held to the budget,
//! with all that Envoy does besides.

use std::time::Duration;

use serde_json::{json, Value};
use tidegate_e2e::config::{cluster, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;

/// The budget of the design for a VM.
const BUDGET: Duration = Duration::from_millis(50);
const STARTS: u32 = 2;
const ROUNDS: usize = 5;
const TEMPLATE_BYTES: usize = 256 * 1024;

/// A listener with a configuration that Envoy has not seen before.
fn listener(number: usize, templates: &Value) -> Value {
    let brand = json!({ "name": format!("Shop {number}") });
    let config = json!({ "brand": brand, "templates": templates }).to_string();
    Listener::new("main")
        .filter(tidegate(&tidegate_e2e::module(), Some(&config)))
        .routes([route("/", "nowhere")])
        .json()
}

#[test]
fn a_template_of_256_kib_is_ready_in_time() {
    let paragraph = "<p class='x'>{{title}} &amp; {{message}}</p>\n";
    let head = "<!doctype html><html lang='{{lang}}'><title>{{title}}</title>";
    let html = head.to_owned() + &paragraph.repeat((TEMPLATE_BYTES - head.len()) / paragraph.len());
    let kinds = [json!({}), json!({ "shop": { "html": html } })];
    let clusters = vec![cluster("nowhere", &[])];
    let envoy = Envoy::start(&Bootstrap::new(clusters, vec![listener(0, &kinds[0])]));
    let mut costs = [vec![], vec![]];
    for round in 0..ROUNDS {
        for (kind, templates) in kinds.iter().enumerate() {
            let listener = listener(1 + 2 * round + kind, templates);
            let made = || envoy.stat("wasm.envoy.wasm.runtime.v8.created");
            let (vms, before) = (made(), envoy.processor_time());
            envoy.replace_listeners(&[listener]);
            costs[kind].push(envoy.processor_time() - before);
            assert!(made() > vms, "no canary, or no update");
        }
    }
    assert_eq!(envoy.stat("listener_manager.lds.update_rejected"), 0);
    let [small, large] = costs.map(|mut costs| {
        costs.sort();
        costs[ROUNDS / 2]
    });
    println!("an update: {small:?}, with a template of 256 KiB {large:?} of processor time");
    assert!(large / STARTS <= BUDGET, "{large:?}");
}
