use super::super::report::Report;
use super::super::tally::Tally;
use serde_json::{json, Value};

/// One request: second of the log, host, release, whether it failed.
type Request<'a> = (u64, &'a str, &'a str, bool);

/// Returns the changes of the first episode of the first finding, for a log of one route that
/// begins at 12:00.
fn changes_of(requests: &[Request<'_>]) -> Vec<Value> {
    let mut log = String::new();
    for (second, host, release, failed) in requests {
        let status = if *failed { 503 } else { 200 };
        let at = 1_795_435_200 + second;
        let line = json!({
            "start_time": at, "response_code": status, "response_code_details": "via_upstream",
            "route_name": "shop", "upstream_host": host, "release": release,
        });
        log.push_str(&format!("{line}\n"));
    }
    let tally = Tally::of(log.as_bytes(), 60_000);
    assert_eq!(tally.unreadable, 0);
    let report = serde_json::to_value(Report::new(&tally, &["log".into()])).unwrap();
    let changes = &report["findings"][0]["episodes"][0]["changes"];
    changes.as_array().unwrap().clone()
}

/// Returns 15 minutes of three healthy hosts, one request each per second.
fn well() -> Vec<Request<'static>> {
    let seconds = 0..900;
    seconds
        .flat_map(|s| ["a", "b", "c"].map(|host| (s, host, "v1", false)))
        .collect()
}

#[test]
fn a_release_shortly_before_an_episode_is_a_change() {
    let mut log = well();
    log.extend((890..900).map(|s| (s, "a", "v2", false)));
    log.extend((900..960).flat_map(|s| ["a", "b", "c"].map(|host| (s, host, "", true))));
    assert_eq!(
        changes_of(&log),
        [
            json!({ "kind": "release", "from": "v1", "to": "v2",
                "at": "2026-11-23T12:14:50.000Z", "seconds_before": 10.0 }),
            json!({ "kind": "first_host", "host": "a", "failing": 3, "of": 3 }),
        ]
    );
}

/// The old release went down, requests failed, then the new one came up.
#[test]
fn a_release_shortly_after_the_first_failure_is_a_change() {
    let mut log = well();
    log.extend((900..905).flat_map(|s| ["a", "b", "c"].map(|host| (s, host, "", true))));
    log.extend((905..960).flat_map(|s| ["a", "b", "c"].map(|host| (s, host, "v2", false))));
    assert_eq!(
        changes_of(&log)[0],
        json!({ "kind": "release", "from": "v1", "to": "v2",
            "at": "2026-11-23T12:15:05.000Z", "seconds_before": -5.0 })
    );
}

#[test]
fn a_release_long_before_an_episode_is_no_change() {
    let mut log: Vec<Request<'_>> = (0..60).map(|s| (s, "a", "v0", false)).collect();
    log.extend(
        well()
            .into_iter()
            .map(|(s, host, release, failed)| (s + 60, host, release, failed)),
    );
    log.extend((1000..1060).flat_map(|s| ["a", "b", "c"].map(|host| (s, host, "", true))));
    assert_eq!(
        changes_of(&log),
        [json!({ "kind": "first_host", "host": "a", "failing": 3, "of": 3 })]
    );
}

#[test]
fn hosts_seen_first_or_last_around_an_episode_are_changes() {
    let mut log: Vec<Request<'_>> = well()
        .into_iter()
        .filter(|(s, host, ..)| *host != "b" || *s < 880)
        .collect();
    log.extend((895..900).map(|s| (s, "d", "v1", false)));
    for second in 900..960 {
        log.extend([(second, "a", "v1", false), (second, "c", "v1", false)]);
        log.push((second, "d", "", true));
    }
    assert_eq!(
        changes_of(&log),
        [
            json!({ "kind": "host_added", "host": "d",
                "at": "2026-11-23T12:14:55.000Z", "seconds_before": 5.0 }),
            json!({ "kind": "host_gone", "host": "b",
                "at": "2026-11-23T12:14:39.000Z", "seconds_before": 21.0 }),
            json!({ "kind": "one_host", "host": "d", "of": 4 }),
        ]
    );
}

/// A quiet route may not have used all its hosts before it fails.
#[test]
fn hosts_of_a_quiet_route_are_no_changes() {
    let hosts = ["a", "b", "c", "d", "e"];
    let mut log: Vec<Request<'_>> = Vec::new();
    log.extend(
        hosts
            .iter()
            .zip((0..).step_by(60))
            .map(|(host, s)| (s, *host, "v1", false)),
    );
    log.extend(
        hosts
            .iter()
            .zip((300..).step_by(5))
            .map(|(host, s)| (s, *host, "", true)),
    );
    assert_eq!(
        changes_of(&log),
        [json!({ "kind": "first_host", "host": "a", "failing": 5, "of": 5 })]
    );
}

#[test]
fn more_requests_than_before_are_a_crowd() {
    let mut log = well();
    for second in 900..960 {
        log.extend(
            ["a", "b", "c"]
                .map(|host| (second, host, "v1", true))
                .repeat(4),
        );
    }
    assert_eq!(
        changes_of(&log),
        [
            json!({ "kind": "first_host", "host": "a", "failing": 3, "of": 3 }),
            json!({ "kind": "crowd", "times": 4.0 }),
        ]
    );
}

/// A constant small share of failures has no beginning, but its host is still named.
#[test]
fn a_small_share_of_failures_has_no_changes() {
    let mut log = well();
    for second in (100..900).step_by(40) {
        log.push((second, "b", "", true));
    }
    log.extend((880..900).map(|s| (s, "a", "v2", false)));
    log.sort_by_key(|request| request.0);
    assert_eq!(
        changes_of(&log),
        [json!({ "kind": "one_host", "host": "b", "of": 3 })]
    );
}

/// A request to a path: second of the log, authority, path, status. `499` stands for a rejection by
/// an open circuit.
type Asked = (u64, &'static str, String, u16);

/// Returns `count` requests, one each second; `{}` in the path is their number.
fn asked(from_s: u64, count: u64, authority: &'static str, path: &str, status: u16) -> Vec<Asked> {
    let path = |at: u64| path.replace("{}", &at.to_string());
    let requests = (0..count).map(|at| (from_s + at, authority, path(at), status));
    requests.collect()
}

/// Returns the classes that explain the first period of failures of each finding, for a log of one
/// route.
fn one_path_of(requests: &[Vec<Asked>]) -> Vec<(String, Option<String>)> {
    let mut requests = requests.concat();
    requests.sort_by_key(|request| request.0);
    let mut log = String::new();
    for (second, authority, path, status) in requests {
        let (status, details) = match status {
            499 => (503, "tidegate_circuit_open{upstream_bad_gateway}"),
            status => (status, "via_upstream"),
        };
        let line = json!({
            "start_time": 1_795_435_200 + second, "response_code": status, "route_name": "shop",
            "response_code_details": details, "authority": authority, "path": path,
        });
        log.push_str(&format!("{line}\n"));
    }
    let mut tally = Tally::new(60_000);
    // In parts, as a long log is.
    let middle = log.len() / 2;
    let middle = middle + log[middle..].find('\n').unwrap() + 1;
    for part in [&log[..middle], &log[middle..]] {
        tally.absorb(Tally::of(part.as_bytes(), 60_000), 0, 0);
    }
    assert_eq!(tally.unreadable, 0);
    let report = serde_json::to_value(Report::new(&tally, &["log".into()])).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| {
            let changes = finding["episodes"][0]["changes"].as_array().unwrap();
            let mut paths = changes.iter().filter(|one| one["kind"] == "one_path");
            let class = paths.next().map(|one| one["class"].as_str().unwrap());
            let reason = finding["reason"].as_str().unwrap();
            (reason.to_owned(), class.map(str::to_owned))
        })
        .collect()
}

/// Returns the class that explains the failures of a log with one finding.
fn class_of(requests: &[Vec<Asked>]) -> Option<String> {
    let [(_, class)] = one_path_of(requests).try_into().unwrap();
    class
}

const SHOP: &str = "shop.example";

#[test]
fn the_narrowest_prefix_that_explains_the_failures_is_named() {
    let others = || asked(0, 100, SHOP, "/items/{}", 200);
    let long = format!("/{}", "x".repeat(300));
    for (what, failing, want) in [
        (
            "one path",
            vec![asked(0, 100, SHOP, "/bad?x={}", 502)],
            "/bad",
        ),
        (
            "a prefix",
            vec![asked(0, 100, SHOP, "/users/{}", 502)],
            "/users",
        ),
        (
            "a sibling is served",
            vec![
                asked(0, 100, SHOP, "/api/v1/a", 502),
                asked(0, 100, SHOP, "/api/v1/b", 200),
            ],
            "/api/v1/a",
        ),
        (
            "a path and what is below it",
            vec![
                asked(0, 100, SHOP, "/users", 502),
                asked(0, 100, SHOP, "/users/{}", 200),
            ],
            "/users",
        ),
        (
            "a sibling that is asked less often fails too",
            vec![
                asked(0, 96, SHOP, "/users/1", 502),
                asked(0, 4, SHOP, "/users/2", 502),
            ],
            "/users",
        ),
        (
            "not more than four segments",
            vec![asked(0, 50, SHOP, "/1/2/3/4/{}", 502)],
            "/1/2/3/4",
        ),
        ("the start page", vec![asked(0, 50, SHOP, "/", 502)], "/"),
        (
            "a share of its requests fails",
            vec![
                asked(0, 50, SHOP, "/slow", 504),
                asked(0, 100, SHOP, "/slow", 200),
            ],
            "/slow",
        ),
        (
            "a long name",
            vec![asked(0, 50, SHOP, &long, 502)],
            &long[..128 - SHOP.len()],
        ),
        (
            "a few failures of others",
            vec![
                asked(0, 60, SHOP, "/bad", 502),
                asked(30, 3, SHOP, "/items/{}", 502),
            ],
            "/bad",
        ),
        (
            "more paths than are counted",
            vec![(0..5_000)
                .map(|at| (at / 50, SHOP, format!("/a/{at}"), 502))
                .collect()],
            "/a",
        ),
    ] {
        let requests = [failing, vec![others()]].concat();
        let want = format!("{SHOP}{want}");
        assert_eq!(class_of(&requests), Some(want), "{what}");
    }
}

#[test]
fn a_host_of_several_is_named() {
    let requests = [
        asked(0, 50, "Bad.example:8443", "/{}", 502),
        asked(0, 50, SHOP, "/{}", 200),
    ];
    assert_eq!(class_of(&requests).as_deref(), Some("bad.example"));
    let unknown = [asked(0, 50, "", "/bad", 502), asked(0, 50, "", "/{}", 200)];
    assert_eq!(class_of(&unknown).as_deref(), Some("-/bad"));
}

#[test]
fn no_path_is_named_without_proof() {
    for (what, requests) in [
        (
            "no other path is asked",
            vec![asked(0, 50, SHOP, "/bad", 502)],
        ),
        (
            "others are hardly asked",
            vec![
                asked(0, 50, SHOP, "/bad", 502),
                asked(0, 4, SHOP, "/a", 200),
            ],
        ),
        (
            "others fail as well",
            vec![
                asked(0, 97, SHOP, "/big", 502),
                asked(0, 3, SHOP, "/a", 502),
            ],
        ),
        (
            "nearly all requests are of one path, and some fail",
            vec![
                asked(0, 60, SHOP, "/big", 502),
                (0..1800)
                    .map(|at| (at / 30, SHOP, "/big".to_owned(), 200))
                    .collect(),
                asked(0, 60, SHOP, "/a", 200),
            ],
        ),
        (
            "a few failures",
            vec![
                asked(0, 4, SHOP, "/bad", 502),
                asked(0, 90, SHOP, "/a", 200),
            ],
        ),
        (
            "others are asked at other times",
            vec![
                asked(0, 3000, SHOP, "/a", 200),
                asked(6000, 60, SHOP, "/health", 502),
                asked(8000, 3000, SHOP, "/a", 200),
            ],
        ),
        (
            "the clients of others leave without a response",
            vec![asked(0, 50, SHOP, "/bad", 502), asked(0, 90, SHOP, "/a", 0)],
        ),
        (
            "the log has no paths",
            vec![asked(0, 50, SHOP, "", 502), asked(0, 90, SHOP, "", 200)],
        ),
    ] {
        assert_eq!(class_of(&requests), None, "{what}");
    }
}

/// The circuit of a class rejects most of its requests; the probes fail.
#[test]
fn rejections_and_their_cause_are_of_the_same_path() {
    let requests = [
        asked(0, 20, SHOP, "/bad", 502),
        asked(20, 1000, SHOP, "/bad", 499),
        asked(40, 5, SHOP, "/bad", 502),
        asked(0, 100, SHOP, "/a", 200),
    ];
    let class = Some(format!("{SHOP}/bad"));
    assert_eq!(
        one_path_of(&requests),
        [
            ("circuit_open".to_owned(), class.clone()),
            ("upstream_bad_gateway".to_owned(), class),
        ]
    );
}
