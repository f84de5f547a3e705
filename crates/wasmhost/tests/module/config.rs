//! Configurations that are accepted, refused or replaced.

use std::time::Instant;

use tidegate_wasmhost::{Host, World};

use super::stages::{self, Stage};
use super::{all_policies, host, vm};

const ERROR: u32 = 4;

/// The most memory of a worker with the default configuration.
const DEFAULT_MEMORY: usize = 4 * 1024 * 1024;
/// Instructions to take a configuration. With a template of 256 KiB it must take at most 50 ms, which is
/// about 100 million instructions on a slow machine.
const START_FUEL: u64 = 100_000_000;

fn failure() -> Stage {
    stages::all()
        .into_iter()
        .find(|stage| stage.name == "failure with body")
        .unwrap()
}

#[test]
fn an_empty_configuration_and_an_empty_object_are_accepted() {
    for config in ["", "{}", " {\n} "] {
        let stage = failure();
        let seen = vm(config)
            .exchange(&stage.request, &stage.response)
            .unwrap();
        assert!(stages::is_page(&seen), "{config:?}");
    }
}

#[test]
fn each_error_is_a_line_of_the_log_with_its_key() {
    for (config, keys) in [
        ("{", &[""][..]),
        ("[]", &[""]),
        ("nonsense \u{0}", &[""]),
        (r#"{"mode": "on"}"#, &["mode"]),
        (r#"{"moed": "off"}"#, &["moed"]),
        (
            r#"{"mode": "on", "breaker": {"window": 3}}"#,
            &["mode", "breaker.window"],
        ),
        (
            r#"{"intercept": {"source": "x"}, "retry": {"max": "y"}, "zzz": 1}"#,
            &["intercept.source", "retry.max", "zzz"],
        ),
    ] {
        let mut vm = host().start(&World::new(), config.as_bytes()).unwrap();
        assert!(!vm.configured(), "{config} was accepted");
        let log = vm.take_log();
        let errors: Vec<_> = log.iter().filter(|line| line.level == ERROR).collect();
        assert_eq!(errors.len(), keys.len(), "{config}: {log:?}");
        for key in keys {
            let found = errors.iter().any(|line| line.message.contains(key));
            assert!(found, "{config}: no error for {key}: {errors:?}");
        }
    }
}

#[test]
fn bytes_that_are_not_json_are_refused() {
    for config in [
        &b"\xff\xfe"[..],
        b"{\"mode\": \"\xff\"}",
        b"\x00",
        &[b'['; 100_000],
    ] {
        let vm = host().start(&World::new(), config).unwrap();
        assert!(!vm.configured());
    }
}

/// Instructions to refuse the worst configuration of the largest size: some tenths of a second on a slow machine.
const REFUSAL_FUEL: u64 = 400_000_000;
/// The longest line about an error, in bytes: its place, what was found, and all that is allowed.
const ERROR_BYTES: usize = 1_000;

#[test]
fn a_refusal_takes_bounded_time_and_few_short_lines() {
    let long = "k".repeat(900_000);
    let keys = |key: fn(usize) -> String| {
        let keys: Vec<String> = (0..90_000).map(|n| format!("\"{}\":1", key(n))).collect();
        format!("{{{}}}", keys.join(","))
    };
    let nested = format!(r#"{{"breaker":{{"{long}":1}}}}"#);
    for (what, config) in [
        ("a long key", format!(r#"{{"{long}":1}}"#)),
        ("a long key inside", nested),
        ("a long value", format!(r#"{{"mode":"{long}"}}"#)),
        (
            "a long name",
            format!(r#"{{"templates":{{"{long}":{{}}}}}}"#),
        ),
        ("many keys", keys(|n| format!("k{n}"))),
        ("many nearly right keys", keys(|n| format!("mod{n}"))),
        ("one key again and again", keys(|_| "mode".to_owned())),
        (
            "many items",
            format!("{{\"routes\":[{}1]}}", "1,".repeat(400_000)),
        ),
    ] {
        let mut vm = host().start(&World::new(), config.as_bytes()).unwrap();
        assert!(!vm.configured(), "{what} was accepted");
        let log = vm.take_log();
        let errors: Vec<_> = log.iter().filter(|line| line.level == ERROR).collect();
        let longest = errors.iter().map(|line| line.message.len()).max();
        let fuel = vm.counts().fuel;
        println!(
            "{what}: fuel {fuel}, {} lines, the longest has {longest:?} bytes",
            errors.len()
        );
        assert!(longest <= Some(ERROR_BYTES), "{what}");
        // As many as are reported one by one, and one for the rest.
        assert!((1..=101).contains(&errors.len()), "{what}");
        assert!(fuel <= REFUSAL_FUEL, "{what}: {fuel} fuel");
    }
}

#[test]
fn a_byte_order_mark_is_named() {
    let mut vm = host().start(&World::new(), b"\xef\xbb\xbf{}").unwrap();
    assert!(!vm.configured());
    let log = vm.take_log();
    let is_named = |line: &tidegate_wasmhost::LogLine| line.message.contains("byte order mark");
    assert!(log.iter().any(is_named), "{log:?}");
}

/// After a new configuration, the plugin of the one before ticks until its last connection is closed.
#[test]
fn a_worker_at_rest_ticks_rarely_until_a_request_comes() {
    let (stage, world) = (failure(), World::new());
    let whole = br#"{"breaker":{"scope":"route"}}"#;
    let mut vm = host().start(&world, whole).unwrap();
    assert_eq!(vm.tick_period_ms(), Some(50));
    let rest = |vm: &mut tidegate_wasmhost::Vm| {
        let mut ms = 0;
        while vm.tick_period_ms() == Some(50) {
            vm.tick(50).unwrap();
            ms += 50;
        }
        ms
    };
    let first = rest(&mut vm);
    assert!((9_000..=11_000).contains(&first), "{first} ms");
    assert_eq!(vm.tick_period_ms(), Some(1_000));
    vm.exchange(&stage.request, &stage.response).unwrap();
    assert_eq!(vm.tick_period_ms(), Some(50));
    // Until the failure is over, and for a while after that.
    let second = rest(&mut vm);
    assert!((19_000..=25_000).contains(&second), "{second} ms");
    // What other workers did while it rested is known before the first request is decided about.
    let nervous = br#"{"breaker":{"scope":"route","consecutive":{"failures":1,"for":"0s"}}}"#;
    let mut other = host().start(&world, nervous).unwrap();
    other.advance(first + second);
    other.exchange(&stage.request, &stage.response).unwrap();
    let seen = vm.exchange(&stage.request, &stage.response).unwrap();
    assert_eq!(seen.header("x-tidegate-page"), Some("circuit_open"));
}

#[test]
fn a_refused_configuration_leaves_the_one_in_force() {
    let stage = failure();
    for (good, replaced) in [(r#"{"mode": "off"}"#, false), ("{}", true)] {
        let mut vm = vm(good);
        for bad in ["{", r#"{"mode": 1}"#, r#"{"what": {}}"#] {
            assert!(!vm.configure(bad.as_bytes()).unwrap(), "{bad} was accepted");
            let seen = vm.exchange(&stage.request, &stage.response).unwrap();
            assert_eq!(stages::is_page(&seen), replaced, "after {bad}");
            assert_eq!(
                stages::is_untouched(&stage, &seen),
                !replaced,
                "after {bad}"
            );
        }
    }
}

#[test]
fn a_new_configuration_replaces_the_one_in_force() {
    let stage = failure();
    let mut vm = vm(r#"{"mode": "off"}"#);
    assert!(vm.configure(b"{}").unwrap());
    assert!(stages::is_page(
        &vm.exchange(&stage.request, &stage.response).unwrap()
    ));
    assert!(vm.configure(br#"{"mode": "shadow"}"#).unwrap());
    let seen = vm.exchange(&stage.request, &stage.response).unwrap();
    assert!(
        stages::is_untouched(&stage, &seen),
        "{}",
        stages::show(&seen)
    );
}

/// A request keeps the configuration that it began with.
#[test]
fn a_configuration_that_changes_during_a_request_applies_to_later_requests_only() {
    let stage = failure();
    for (before, after) in [("{}", r#"{"mode": "off"}"#), (r#"{"mode": "off"}"#, "{}")] {
        let mut vm = vm(before);
        let id = vm.open().unwrap();
        vm.request_headers(id, stage.request.headers.clone(), true)
            .unwrap();
        assert!(vm.configure(after.as_bytes()).unwrap());
        let result = vm
            .response_headers(id, stage.response.headers.clone(), false)
            .unwrap();
        assert!(vm.configure(before.as_bytes()).unwrap());
        let body = vm.response_body(id, &stage.response.body[0], true).unwrap();
        vm.finish(id).unwrap();
        let untouched = result.headers == stage.response.headers;
        assert_eq!(
            untouched,
            body == stage.response.body[0],
            "headers and body do not agree"
        );
        assert_eq!(vm.take_misuse(), Vec::<String>::new());
    }
}

#[test]
fn the_default_configuration_stays_within_its_memory() {
    let stages: Vec<_> = stages::all().into_iter().filter(|s| s.replaced).collect();
    let mut vm = vm("{}");
    let begun = vm.memory_bytes();
    for i in 0..1_000 {
        let stage = &stages[i % stages.len()];
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.tick(2).unwrap();
    }
    println!(
        "memory with the default configuration: {} KiB, after 1,000 failing requests {} KiB",
        begun / 1024,
        vm.memory_bytes() / 1024
    );
    assert!(vm.memory_bytes() <= DEFAULT_MEMORY, "{}", vm.memory_bytes());
}

#[test]
fn the_largest_configurations_stay_within_their_fuel() {
    let paragraph = "<p class='x'>{{title}} &amp; {{message}}</p>\n";
    let head = "<!doctype html><html lang='{{lang}}'><title>{{title}}</title>";
    let html = head.to_owned() + &paragraph.repeat((256 * 1024 - head.len()) / paragraph.len());
    // Compile before the clock starts.
    let host = host();
    for (name, config) in [
        ("none", String::new()),
        (
            "a template of 256 KiB",
            format!(r#"{{"templates": {{"shop": {{"html": {html:?}}}}}}}"#),
        ),
        ("256 policies", all_policies()),
    ] {
        let begun = Instant::now();
        let vm = start_and_show(host, &config);
        let (took, fuel) = (begun.elapsed(), vm.counts().fuel);
        println!(
            "{name:21}: {took:?} to start, fuel {fuel}, memory {} KiB",
            vm.memory_bytes() / 1024
        );
        assert!(fuel <= START_FUEL, "{name}: {fuel} fuel");
    }
}

fn start_and_show(host: &Host, config: &str) -> tidegate_wasmhost::Vm {
    let mut vm = host.start(&World::new(), config.as_bytes()).unwrap();
    assert!(vm.configured(), "refused: {:?}", vm.take_log());
    vm
}
