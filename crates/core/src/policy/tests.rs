use proptest::prelude::*;

use super::*;
use crate::config::{Config, RouteRule};
use crate::host::fake::FakeHost;

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

fn config() -> FilterConfig {
    FilterConfig::new(Config::from_json(ROUTES.as_bytes()).unwrap())
}

fn info(route: &str, virtual_host: &str, cluster: &str, metadata: &[(&str, &str)]) -> RouteInfo {
    RouteInfo {
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
fn metadata_decide_before_the_first_matching_rule_before_the_top_level() {
    let config = config();
    type Case<'a> = (RouteInfo, usize, Mode, &'a str);
    let table: &[Case<'_>] = &[
        (
            info("pay-1", "v", "app", &[]),
            1,
            Mode::Enforce,
            "pay-1/app",
        ),
        (
            info("other", "v", "app", &[]),
            0,
            Mode::Enforce,
            "other/app",
        ),
        (
            info("pay-1", "v", "app-canary", &[]),
            1,
            Mode::Enforce,
            "pay-1/app-canary",
        ),
        (
            info("x", "v", "app-canary", &[]),
            2,
            Mode::Shadow,
            "x/app-canary",
        ),
        (
            info("x", "legacy", "app", &[]),
            3,
            Mode::Enforce,
            "group old",
        ),
        (info("", "v", "app", &[]), 0, Mode::Enforce, "v/app"),
        (info("default", "v", "app", &[]), 0, Mode::Enforce, "v/app"),
        (info("", "", "", &[]), 0, Mode::Enforce, "/"),
        (
            info("pay-1", "v", "app", &[("policy", "canary")]),
            2,
            Mode::Shadow,
            "pay-1/app",
        ),
        (
            info("pay-1", "v", "app", &[("policy", "gone")]),
            1,
            Mode::Enforce,
            "pay-1/app",
        ),
        (
            info("x", "v", "app", &[("mode", "off")]),
            0,
            Mode::Off,
            "x/app",
        ),
        (
            info("x", "v", "app-canary", &[("mode", "enforce")]),
            2,
            Mode::Enforce,
            "x/app-canary",
        ),
        (
            info("x", "v", "app", &[("mode", "loud")]),
            0,
            Mode::Enforce,
            "x/app",
        ),
    ];
    for (info, policy, mode, key) in table {
        let want = RoutePolicy {
            number: *policy,
            mode: *mode,
            key: (*key).into(),
            page: None,
            route: Vec::new(),
            has_unknown_name: info.metadata.get("policy") == Some(b"gone"),
        };
        assert_eq!(
            RoutePolicy::find(&config, info, &request()),
            want,
            "{info:?}"
        );
    }
}

#[test]
fn a_rule_matches_the_host_without_port_and_the_path_without_query() {
    let config = config();
    let at = |host, path| {
        let request = HeaderBlock::from_pairs(&[(":authority", host), (":path", path)]);
        RoutePolicy::find(&config, &info("pay-1", "v", "app", &[]), &request).number
    };
    assert_eq!(at("shop.example", "/pay/now"), 1);
    assert_eq!(at("shop.test", "/pay/now"), 0);
    assert_eq!(at("shop.example", "/other?/pay"), 0);
}

proptest! {
    #[test]
    fn the_first_matching_rule_is_found_among_many(
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
        let config = FilterConfig::new(Config::from_json(text.as_bytes()).unwrap());
        let info = info(&route, &host, "c", &[]);
        let fits = |rule: &&RouteRule| {
            rule.matches.route.matches(info.name())
                && rule.matches.virtual_host.matches(&info.virtual_host)
                && path.starts_with(&*rule.matches.path_prefix)
        };
        let first = config.config().routes.iter().find(fits);
        let request = HeaderBlock::from_pairs(&[(":authority", "h"), (":path", &*path)]);
        let found = RoutePolicy::find(&config, &info, &request).number;
        prop_assert_eq!(config.rule(found), first);
    }
}

#[test]
fn an_unknown_policy_in_metadata_is_noted() {
    let config = config();
    let is_unknown =
        |info: &RouteInfo| RoutePolicy::find(&config, info, &request()).has_unknown_name;
    assert!(is_unknown(&info("", "", "", &[("policy", "gone")])));
    assert!(!is_unknown(&info("", "", "", &[("policy", "pay")])));
    assert!(!is_unknown(&info("", "", "", &[])));
}

#[test]
fn metadata_choose_the_page_before_the_policy() {
    let config = |pages: &str| {
        let text = format!(
            r#"{{
                "templates": {{ "shop": {{ "text": "" }}, "app": {{ "text": "" }} }},
                "routes": [{{ "name": "pay", "match": {{ "route": "pay" }}, "page": "shop" }}],
                "pages": [{pages}]
            }}"#
        );
        FilterConfig::new(Config::from_json(text.as_bytes()).unwrap())
    };
    let without = config(r#"{ "match": { "path_prefix": "/" }, "template": "app" }"#);
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
        let info = info(route, "v", "c", metadata);
        let policy = RoutePolicy::find(&without, &info, &request());
        assert_eq!((policy.page, policy.route), (page, Vec::new()), "{info:?}");
        let is_unknown = metadata.contains(&("page", "gone"));
        assert_eq!(policy.has_unknown_name, is_unknown, "{info:?}");
    }
    let with = config(r#"{ "match": { "routes": ["pay"] }, "template": "app" }"#);
    let policy = RoutePolicy::find(&with, &info("pay", "v", "c", &[]), &request());
    assert_eq!(policy.route, b"pay");
}

#[test]
fn the_virtual_host_is_read_for_unnamed_routes_and_rules_that_match_it() {
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
        let config = FilterConfig::new(Config::from_json(json.as_bytes()).unwrap());
        let mut host = FakeHost::default();
        host.attributes
            .insert("xds.route_name".to_owned(), route.into());
        RouteInfo::read(&mut host, &config);
        let is_read = host.reads.contains(&"xds.virtual_host_name".to_owned());
        assert_eq!(is_read, needed, "{json}: {route}");
    }
}
