use super::*;
use crate::config::Config;

#[test]
fn maintenance_ends_at_its_configured_time() {
    let json = r#"{"routes":[
        {"name":"open","match":{"route":"a"}},
        {"name":"closed","match":{"route":"b"},"maintenance":{"until":"2026-12-01T06:00:00Z"}}
    ]}"#;
    let config = FilterConfig::new(Config::from_json(json.as_bytes()).unwrap());
    let at = Timestamp::from_millis;
    let end_ms = 1_796_104_800_000;
    assert!(config.maintenance(2, at(end_ms - 1)).is_some());
    assert!(config.maintenance(2, at(end_ms)).is_none());
    assert!(config.maintenance(0, at(0)).is_none());
    assert!(config.maintenance(1, at(0)).is_none());
}

#[test]
fn routes_are_looked_up_for_each_request_only_if_a_rule_needs_it() {
    for (json, always) in [
        ("{}", false),
        (r#"{"routes":[{"name":"a","match":{"route":"a"}}]}"#, false),
        (
            r#"{"routes":[{"name":"a","match":{"route":"a"},"maintenance":true}]}"#,
            true,
        ),
        (
            r#"{"routes":[{"name":"a","match":{"route":"a"},"breaker":{"mode":"forced_open"}}]}"#,
            true,
        ),
        (r#"{"breaker":{"mode":"forced_open"}}"#, true),
        (r#"{"route_metadata":"always"}"#, true),
    ] {
        let config = FilterConfig::new(Config::from_json(json.as_bytes()).unwrap());
        assert_eq!(config.always_looks_up(), always, "{json}");
    }
}

#[test]
fn statuses_of_every_policy_and_429_are_relevant() {
    let json = r#"{"intercept":{"statuses":[502]},"breaker":{"failures":{"statuses":[500]}},
        "routes":[{"name":"a","match":{"route":"a"},"intercept":{"statuses":[418]}}]}"#;
    let config = FilterConfig::new(Config::from_json(json.as_bytes()).unwrap());
    let found: Vec<u16> = (100..600).filter(|s| config.is_relevant(*s)).collect();
    assert_eq!(found, [418, 429, 500, 502]);
}
