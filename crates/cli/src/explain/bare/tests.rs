use super::super::print;
use super::super::report::Report;
use super::super::tally::Tally;
use serde_json::{json, Value};

/// Returns a line in Envoy's default text format: second, host of the request, status and flags,
/// upstream host.
fn line(second: u64, authority: &str, status: &str, host: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "[2026-11-23T09:{minute:02}:{second:02}.000Z] \"GET /pay HTTP/1.1\" {status} 0 40 5 1 \
         \"-\" \"curl\" \"id\" \"{authority}\" \"{host}\"\n"
    )
}

fn report(log: &str) -> Report {
    let tally = Tally::of(log.as_bytes(), 60_000);
    assert_eq!(tally.unreadable, 0);
    Report::new(&tally, &["log".into()])
}

/// Returns reason, guess, number and cause of each finding.
fn found(log: &str) -> Vec<Value> {
    let report = serde_json::to_value(report(log)).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().map(|finding| {
        json!([
            finding["reason"],
            finding["guess"],
            finding["failures"],
            finding["opened_by"]
        ])
    });
    found.collect()
}

/// An upstream refuses connections; the open circuit rejects the rest, between probes.
fn outage() -> String {
    let mut log: String = (0..10)
        .map(|s| line(s, "shop", "503 UF", "10.0.0.5:80"))
        .collect();
    log.extend((10..100).map(|s| match s % 10 {
        0 => line(s, "shop", "503 UF", "10.0.0.5:80"),
        _ => line(s, "shop", "503 -", "-"),
    }));
    log
}

#[test]
fn a_bare_503_while_the_upstream_fails_is_most_likely_an_open_circuit() {
    assert_eq!(
        found(&outage()),
        [
            json!(["circuit_open", "open_circuit", 81,
                [{ "reason": "connection_refused", "rejected": 81 }]]),
            json!(["connection_refused", null, 19, []]),
        ]
    );
    let text = print::text(&report(&outage()), 1);
    let said =
        "\n   503 without flag and host, at a time of failures: most likely Tidegate's open \
                circuit. This log format cannot tell;\n   envoy/access-log.yaml can.\n";
    assert!(text.contains(said), "{text}");
    let cause = "\n   The circuit was most likely opened by connection_refused: 81 rejected\n";
    assert!(text.contains(cause), "{text}");
}

#[test]
fn a_bare_503_without_failures_of_the_upstream_is_no_open_circuit() {
    let other = "maintenance_or_filter";
    let closed: String = (0..90).map(|s| line(s, "closed", "503 -", "-")).collect();
    let expected = json!(["proxy_internal_error", other, 90, []]);
    assert_eq!(found(&closed), std::slice::from_ref(&expected));
    let text = print::text(&report(&closed), 1);
    let said = "Tidegate's maintenance, or another filter. This log format cannot tell;";
    assert!(text.contains(said), "{text}");
    // The failures of another host of the log are not of this upstream.
    let both = found(&(outage() + &closed));
    assert!(both.contains(&expected), "{both:?}");
    // Two failures open no circuit; what was refused says nothing of the upstream.
    let mut few = closed.clone();
    few.extend((0..2).map(|s| line(s, "closed", "503 UF", "10.0.0.5:80")));
    few.extend((0..9).map(|s| line(s, "closed", "404 NR", "-")));
    assert!(found(&few).contains(&expected), "{:?}", found(&few));
}

/// A circuit is open for seconds: what fails hours before has not opened it.
#[test]
fn failures_at_another_time_open_no_circuit() {
    let mut log = outage();
    log.extend((1000..1010).map(|s| line(s, "shop", "503 -", "-")));
    let found = found(&log);
    let later = json!(["proxy_internal_error", "maintenance_or_filter", 10, []]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&later), "{found:?}");
}

/// A 503 with a host is of the upstream, one with details is not bare.
#[test]
fn a_503_with_evidence_is_not_guessed() {
    let mut log: String = (0..9)
        .map(|s| line(s, "shop", "503 -", "10.0.0.5:80"))
        .collect();
    let details = "\"response_code_details\":\"ext_authz_error\"";
    log += &format!("{{\"start_time\":1795424400,\"response_code\":503,{details}}}\n");
    let guesses: Vec<_> = found(&log)
        .iter()
        .map(|finding| finding[1].clone())
        .collect();
    assert_eq!(guesses, [json!(null), json!(null)]);
}
