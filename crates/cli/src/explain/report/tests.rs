use super::super::print;
use super::super::tally::Tally;
use super::*;
use serde_json::json;

/// Returns a line: second, route, cluster, and other fields.
fn line(second: u64, route: &str, cluster: &str, more: serde_json::Value) -> String {
    let mut line = json!({
        "start_time": 1_795_424_400 + second, "method": "GET", "path": "/", "authority": "shop",
        "response_code": 200, "response_code_details": "via_upstream",
        "route_name": route, "upstream_cluster": cluster, "upstream_host": "10.0.0.5:80",
    });
    let members = line.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    format!("{line}\n")
}

fn report(log: &str) -> Report {
    Report::new(&Tally::of(log.as_bytes(), 60_000), &["log".into()])
}

fn names(report: &Report) -> Vec<(&str, Option<&str>, u64)> {
    let findings = report.findings.iter();
    let names = findings.map(|f| (f.route.as_str(), f.cluster.as_deref(), f.failures));
    names.collect()
}

/// Istio names the routes that it makes itself `default`.
#[test]
fn routes_are_grouped_by_cluster_too() {
    let mut log = String::new();
    for second in 0..60 {
        let host = format!("10.0.1.{}:80", second % 3);
        log += &line(second, "default", "a", json!({ "upstream_host": host }));
        let failed = json!({ "response_code": 502, "upstream_host": "10.0.2.1:80" });
        log += &line(second, "default", "b", failed);
    }
    let report = report(&log);
    assert_eq!(names(&report), [("default", Some("b"), 60)]);
    assert_eq!(report.findings[0].share, 1.0);
    let text = print::text(&report, 0);
    assert!(
        text.contains("\n1. default/b: upstream_bad_gateway, 60 failures, 100 % of the 60 "),
        "{text}"
    );
    // The hosts of the other cluster do not count: there is only one that could fail.
    assert!(!text.contains("only host"), "{text}");
}

#[test]
fn a_log_without_routes_is_grouped_by_host_and_cluster() {
    let failed = json!({ "response_code": 502 });
    let log = line(0, "", "a", failed.clone()) + &line(1, "", "b", failed);
    let report = report(&log);
    assert_eq!(
        names(&report),
        [("shop", Some("a"), 1), ("shop", Some("b"), 1)]
    );
    assert!(print::text(&report, 0).contains("\n1. shop, cluster a: upstream_bad_gateway"));
}

/// 40 of 40 requests are worse than 60 of 4,000.
#[test]
fn findings_are_ranked_by_failures_and_share() {
    let mut log = String::new();
    for second in 0..4000 {
        let shop = if second % 66 == 0 { 502 } else { 200 };
        log += &line(second, "shop", "shop", json!({ "response_code": shop }));
        if second % 100 == 0 {
            log += &line(
                second,
                "checkout",
                "checkout",
                json!({ "response_code": 502 }),
            );
        }
    }
    let report = report(&log);
    let expected = [
        ("checkout", Some("checkout"), 40),
        ("shop", Some("shop"), 61),
    ];
    assert_eq!(names(&report), expected);
}

#[test]
fn a_finding_names_the_paths_and_methods_with_the_most_failures() {
    let mut log = String::new();
    for (path, method, times) in [
        ("/", "GET", 2),
        ("/cart?id=7", "GET", 5),
        ("/pay/now", "POST", 9),
        ("/rare", "PUT", 1),
    ] {
        let failed = json!({ "response_code": 502, "path": path, "method": method });
        log += &line(0, "shop", "shop", failed).repeat(times);
    }
    let one_host = report(&log);
    let text = print::text(&one_host, 0);
    assert!(
        text.contains("\n   paths: /pay/now (9), /cart (5), / (2)\n"),
        "{text}"
    );
    assert!(
        text.contains("\n   methods: POST (9), GET (7), PUT (1)\n"),
        "{text}"
    );
    let json = serde_json::to_value(&one_host).unwrap();
    assert_eq!(
        json["findings"][0]["paths"][0],
        json!({ "class": "shop/pay/now", "failures": 9 })
    );
    assert_eq!(
        json["findings"][0]["methods"][2],
        json!({ "method": "PUT", "failures": 1 })
    );
    // Several hosts are named.
    log += &line(
        0,
        "shop",
        "shop",
        json!({ "response_code": 502, "authority": "b" }),
    )
    .repeat(20);
    let text = print::text(&report(&log), 0);
    let both = "\n   paths: / on b (20), /pay/now on shop (9), /cart on shop (5)\n";
    assert!(text.contains(both), "{text}");
}

/// The path of each request is another one: `/users/1`, `/users/2`, …
#[test]
fn paths_with_numbers_are_counted_as_one() {
    let mut log = String::new();
    for at in 0..500 {
        let failed = json!({ "response_code": 502, "path": format!("/users/{at}?x") });
        log += &line(at, "shop", "shop", failed);
    }
    let text = print::text(&report(&log), 0);
    assert!(text.contains("\n   paths: /users/* (500)\n"), "{text}");
}

/// Any number of made-up methods takes bounded memory.
#[test]
fn the_number_of_methods_is_bounded() {
    let mut log = String::new();
    for at in 0..100 {
        let method = format!("{at}{}", "M".repeat(1000));
        log += &line(
            0,
            "shop",
            "",
            json!({ "response_code": 502, "method": method }),
        );
    }
    let report = report(&log);
    let methods = &report.findings[0].methods;
    assert_eq!((methods.len(), methods[0].method.len()), (8, 128));
}

/// Without clusters in the log, the hosts may belong to several.
#[test]
fn hosts_are_counted_only_where_the_log_names_their_cluster() {
    for (cluster, said) in [
        ("shop", "only host 10.0.0.6:80 of 2 fails"),
        (
            "",
            "only host 10.0.0.6:80 fails; the log does not say which hosts share its cluster",
        ),
    ] {
        let mut log = String::new();
        for second in 0..60 {
            log += &line(second, "shop", cluster, json!({}));
            let failed = json!({ "response_code": 502, "upstream_host": "10.0.0.6:80" });
            log += &line(second, "shop", cluster, failed);
        }
        let text = print::text(&report(&log), 0);
        assert!(text.contains(said), "{text}");
    }
}
