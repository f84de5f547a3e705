//! Tests of the real module, in a host with faults.
//!
//! They are one test program, because compiling the module takes longer than most tests. It runs
//! `dist/tidegate.wasm`, or `$TIDEGATE_WASM`; `UPDATE_EXPECT=1` rewrites the goldens.

mod config;
mod cost;
mod faults;
mod fuzz;
mod golden;
mod interface;
mod memory;
mod stages;

use std::sync::OnceLock;

use tidegate_wasmhost::{Host, Vm, World};

/// Returns the module, compiled once for all tests.
fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(Host::load)
}

/// Starts a VM in a world of its own, with a configuration that must be accepted.
fn vm(config: &str) -> Vm {
    let mut vm = host().start(&World::new(), config.as_bytes()).unwrap();
    assert!(vm.configured(), "{config} was refused: {:?}", vm.take_log());
    vm
}

/// The most policies that a configuration can have.
const POLICIES: usize = 256;

/// Returns a configuration with this many policies, for the routes `shop-0`, `shop-1`, ...
fn all_policies() -> String {
    let rule = |n| format!(r#"{{"name":"p{n}","match":{{"route":"shop-{n}"}}}}"#);
    let rules: Vec<String> = (0..POLICIES).map(rule).collect();
    format!(r#"{{"routes":[{}]}}"#, rules.join(","))
}
