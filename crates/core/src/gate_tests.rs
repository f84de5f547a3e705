use proptest::prelude::*;

use super::*;
use crate::config::RouteRule;

#[test]
fn hosts_lose_their_port() {
    for (authority, want) in [
        ("shop.example", "shop.example"),
        ("shop.example:8443", "shop.example"),
        ("[::1]", "[::1]"),
        ("[::1]:80", "[::1]"),
        ("", ""),
    ] {
        assert_eq!(
            without_port(authority.as_bytes()),
            want.as_bytes(),
            "{authority}"
        );
    }
}

const ROUTES: &str = r#"{
  "mode": "enforce",
  "routes": [
    { "name": "pay", "match": { "route": "pay-*", "host": "*.example", "path_prefix": "/pay" } },
    { "name": "canary", "match": { "cluster": "*-canary" }, "mode": "shadow" },
    { "name": "grouped", "match": { "virtual_host": "legacy" }, "breaker": { "group": "old" } },
    { "name": "closed", "match": { "route": "none" },
      "maintenance": { "until": "2026-12-01T06:00:00Z", "message": "Moving house" } }
  ]
}"#;

fn gate() -> Gate {
    Gate::new(Config::from_json(ROUTES.as_bytes()).unwrap())
}

fn facts(route: &str, virtual_host: &str, cluster: &str, metadata: &[(&str, &str)]) -> RouteFacts {
    RouteFacts {
        route: route.into(),
        virtual_host: virtual_host.into(),
        cluster: cluster.into(),
        metadata: HeaderBlock::from_pairs(metadata),
    }
}

fn request() -> HeaderBlock {
    HeaderBlock::from_pairs(&[
        (":authority", "Shop.Example:8443"),
        (":path", "/pay?x=/other"),
    ])
}

#[test]
fn the_first_rule_that_matches_is_the_policy_unless_metadata_names_one() {
    let gate = gate();
    type Case<'a> = (RouteFacts, usize, Mode, &'a str);
    let table: &[Case<'_>] = &[
        (
            facts("pay-1", "v", "app", &[]),
            1,
            Mode::Enforce,
            "pay-1/app",
        ),
        (
            facts("other", "v", "app", &[]),
            0,
            Mode::Enforce,
            "other/app",
        ),
        (
            facts("pay-1", "v", "app-canary", &[]),
            1,
            Mode::Enforce,
            "pay-1/app-canary",
        ),
        (
            facts("x", "v", "app-canary", &[]),
            2,
            Mode::Shadow,
            "x/app-canary",
        ),
        (
            facts("x", "legacy", "app", &[]),
            3,
            Mode::Enforce,
            "group old",
        ),
        (facts("", "v", "app", &[]), 0, Mode::Enforce, "v/app"),
        (facts("default", "v", "app", &[]), 0, Mode::Enforce, "v/app"),
        (facts("", "", "", &[]), 0, Mode::Enforce, "/"),
        (
            facts("pay-1", "v", "app", &[("policy", "canary")]),
            2,
            Mode::Shadow,
            "pay-1/app",
        ),
        (
            facts("pay-1", "v", "app", &[("policy", "gone")]),
            1,
            Mode::Enforce,
            "pay-1/app",
        ),
        (
            facts("x", "v", "app", &[("mode", "off")]),
            0,
            Mode::Off,
            "x/app",
        ),
        (
            facts("x", "v", "app-canary", &[("mode", "enforce")]),
            2,
            Mode::Enforce,
            "x/app-canary",
        ),
        (
            facts("x", "v", "app", &[("mode", "loud")]),
            0,
            Mode::Enforce,
            "x/app",
        ),
    ];
    for (facts, policy, mode, key) in table {
        let want = Choice {
            policy: *policy,
            mode: *mode,
            key: (*key).into(),
            page: None,
            route: Vec::new(),
            has_unknown_name: facts.metadata.get("policy") == Some(b"gone"),
        };
        assert_eq!(gate.choose(facts, &request()), want, "{facts:?}");
    }
}

#[test]
fn a_request_must_match_in_host_and_path_too() {
    let gate = gate();
    let at = |host, path| {
        let request = HeaderBlock::from_pairs(&[(":authority", host), (":path", path)]);
        gate.choose(&facts("pay-1", "v", "app", &[]), &request)
            .policy
    };
    assert_eq!(at("shop.example", "/pay/now"), 1);
    assert_eq!(at("shop.test", "/pay/now"), 0);
    assert_eq!(at("shop.example", "/other?/pay"), 0);
}

proptest! {
    /// However the rules are kept, it is the first one that fits.
    #[test]
    fn the_first_rule_that_fits_is_found_among_many(
        rules in prop::collection::vec(("a|b|c|a\\*|\\*|\\*b", "\\*|v", "/|/x"), 0..12),
        (route, host, path) in ("a|b|c|ab|", "v|w", "/|/x/y"),
    ) {
        let mut text = String::new();
        for (n, (route, host, path)) in rules.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            text += &format!(
                r#"{comma}{{"name":"p{n}","match":{{"route":"{route}","virtual_host":"{host}","path_prefix":"{path}"}}}}"#
            );
        }
        let text = format!(r#"{{"routes":[{text}]}}"#);
        let gate = Gate::new(Config::from_json(text.as_bytes()).unwrap());
        let facts = facts(&route, &host, "c", &[]);
        let fits = |rule: &&RouteRule| {
            rule.matches.route.matches(facts.name())
                && rule.matches.virtual_host.matches(&facts.virtual_host)
                && path.starts_with(&*rule.matches.path_prefix)
        };
        let first = gate.config().routes.iter().find(fits);
        let request = HeaderBlock::from_pairs(&[(":authority", "h"), (":path", &*path)]);
        let found = gate.choose(&facts, &request).policy;
        prop_assert_eq!(gate.rule(found), first);
    }
}

#[test]
fn unknown_policies_of_metadata_are_told_apart() {
    let gate = gate();
    let is_unknown = |facts: &RouteFacts| gate.choose(facts, &request()).has_unknown_name;
    assert!(is_unknown(&facts("", "", "", &[("policy", "gone")])));
    assert!(!is_unknown(&facts("", "", "", &[("policy", "pay")])));
    assert!(!is_unknown(&facts("", "", "", &[])));
}

#[test]
fn maintenance_ends_by_itself() {
    let gate = gate();
    let end_ms = 1_796_104_800_000;
    assert!(gate.maintenance(4, end_ms - 1).is_some());
    assert!(gate.maintenance(4, end_ms).is_none());
    assert!(gate.maintenance(0, 0).is_none());
    assert!(gate.maintenance(1, 0).is_none());
}

#[test]
fn routes_are_looked_up_before_each_request_only_where_they_must_be() {
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
        let gate = Gate::new(Config::from_json(json.as_bytes()).unwrap());
        assert_eq!(gate.always_looks_up(), always, "{json}");
    }
}

#[test]
fn virtual_hosts_are_asked_for_only_where_they_matter() {
    for (json, route, needed) in [
        ("{}", "pay", false),
        ("{}", "", true),
        ("{}", "default", true),
        (
            r#"{"routes":[{"name":"a","match":{"route":"x"}}]}"#,
            "pay",
            false,
        ),
        (
            r#"{"routes":[{"name":"a","match":{"virtual_host":"*"}}]}"#,
            "pay",
            false,
        ),
        (
            r#"{"routes":[{"name":"a","match":{"route":"x"}},{"name":"b","match":{"virtual_host":"v"}}]}"#,
            "pay",
            true,
        ),
    ] {
        let gate = Gate::new(Config::from_json(json.as_bytes()).unwrap());
        let asked = gate.needs_virtual_host(route.as_bytes());
        assert_eq!(asked, needed, "{json}: {route}");
    }
}

#[test]
fn statuses_of_any_policy_are_interesting() {
    let json = r#"{"intercept":{"statuses":[502]},"breaker":{"failures":{"statuses":[500]}},
        "routes":[{"name":"a","match":{"route":"a"},"intercept":{"statuses":[418]}}]}"#;
    let gate = Gate::new(Config::from_json(json.as_bytes()).unwrap());
    let found: Vec<u16> = (100..600).filter(|s| gate.is_interesting(*s)).collect();
    assert_eq!(found, [418, 429, 500, 502]);
}

#[test]
fn a_route_chooses_its_page_by_metadata_or_by_its_policy() {
    let gate = |pages: &str| {
        let text = format!(
            r#"{{
                "templates": {{ "shop": {{ "text": "" }}, "app": {{ "text": "" }} }},
                "routes": [{{ "name": "pay", "match": {{ "route": "pay" }}, "page": "shop" }}],
                "pages": [{pages}]
            }}"#
        );
        Gate::new(Config::from_json(text.as_bytes()).unwrap())
    };
    let without = gate(r#"{ "match": { "path_prefix": "/" }, "template": "app" }"#);
    let (app, shop) = (
        without.pages.template(b"app"),
        without.pages.template(b"shop"),
    );
    assert!(app.is_some() && shop.is_some() && app != shop);
    for (route, metadata, page) in [
        ("other", &[][..], None),
        ("pay", &[], shop),
        ("pay", &[("page", "app")], app),
        ("other", &[("policy", "pay")], shop),
        ("other", &[("page", "gone")], None),
        ("pay", &[("page", "gone")], shop),
    ] {
        let facts = facts(route, "v", "c", metadata);
        let choice = without.choose(&facts, &request());
        assert_eq!((choice.page, choice.route), (page, Vec::new()), "{facts:?}");
        let is_unknown = metadata.contains(&("page", "gone"));
        assert_eq!(
            without.choose(&facts, &request()).has_unknown_name,
            is_unknown,
            "{facts:?}"
        );
    }
    let with = gate(r#"{ "match": { "routes": ["pay"] }, "template": "app" }"#);
    let choice = with.choose(&facts("pay", "v", "c", &[]), &request());
    assert_eq!(choice.route, b"pay");
}
