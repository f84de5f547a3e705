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

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

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

/// Returns a copy of a VM that has started with a configuration, accepted or not, in a world of its own. For tests that need
/// thousands of them.
fn copy_of_started(config: &'static str) -> Vm {
    static STARTED: Mutex<BTreeMap<&str, Vm>> = Mutex::new(BTreeMap::new());
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let start = || host().start(&World::new(), config.as_bytes()).unwrap();
    started.entry(config).or_insert_with(start).copy()
}

#[test]
fn a_copy_does_what_the_vm_does_and_leaves_it_alone() {
    for stage in stages::all() {
        let mut vm = vm("{}");
        // What runs before is copied too: the state of a route that has failed.
        vm.exchange(&stage.request, &stage.response).unwrap();
        let mut copy = vm.copy();
        for _ in 0..3 {
            let seen = vm.exchange(&stage.request, &stage.response).unwrap();
            let of_copy = copy.exchange(&stage.request, &stage.response).unwrap();
            assert_eq!(seen, of_copy, "{}", stage.name);
            assert_eq!(vm.counts(), copy.counts(), "{}", stage.name);
            assert_eq!(vm.take_log(), copy.take_log(), "{}", stage.name);
            assert_eq!(vm.memory_bytes(), copy.memory_bytes(), "{}", stage.name);
        }
    }
}

/// The most policies that a configuration can have.
const POLICIES: usize = 256;

/// Returns a configuration with this many policies, for the routes `shop-0`, `shop-1`, ...
fn all_policies() -> String {
    let rule = |n| format!(r#"{{"name":"p{n}","match":{{"route":"shop-{n}"}}}}"#);
    let rules: Vec<String> = (0..POLICIES).map(rule).collect();
    format!(r#"{{"routes":[{}]}}"#, rules.join(","))
}
