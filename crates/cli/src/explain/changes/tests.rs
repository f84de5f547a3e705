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
