//! The requirements that the breaker meets.

use serde_json::Value;

use crate::support::{figures, number};

/// The requirements hold in the worst of ten seeds.
#[test]
fn in_a_brown_out_most_of_the_capacity_is_used() {
    for (scenario, loops) in [
        ("brownout-50", "--tries 1"),
        ("brownout-30", "--tries 1"),
        ("brownout-50", "--tries 4"),
        ("brownout-30", "--tries 4"),
    ] {
        let all = figures(&format!("--scenario {scenario} {loops} --runs 10"));
        let goodput = |breaker: &str, figure: &str| number(&row(&all, breaker)[figure]);
        let mean = goodput("tidegate", "goodput");
        let worst = goodput("tidegate", "goodput_worst");
        if loops == "--tries 1" {
            assert!(worst >= 0.85, "{scenario} {loops}: {worst}");
        } else {
            // Returning visitors come in waves; docs/breaker.md has their cost.
            assert!(
                mean >= 0.84 && worst >= 0.80,
                "{scenario} {loops}: {mean} {worst}"
            );
        }
        for other in [
            "none",
            "one-probe",
            "linear-ramp",
            "host-ejection",
            "admission-control",
        ] {
            let other_mean = goodput(other, "goodput");
            assert!(
                mean > other_mean,
                "{scenario} {loops}: {other} has {other_mean}"
            );
        }
    }
}

/// A burst is no outage, so the upstream must be dead for a second.
#[test]
fn a_dead_upstream_gets_the_requests_of_a_second_and_probes() {
    for workers in [1, 2, 4, 16] {
        let args = format!("--only tidegate --tries 1 --runs 10 --workers {workers}");
        let row = figures(&format!("{args} --scenario outage"))[0]["rows"][0].clone();
        let opened = number(&row["opened_worst"]);
        assert!(opened <= 1.5, "{workers}: {opened}");
        // 200 a second, with random variation, and those of the 50 ms until the other workers know.
        let most = number(&row["before_trip_worst"]);
        assert!(most <= 1.2 * 200.0 * 1.05, "{workers}: {most}");
        // After that the requests of the same 50 ms, and probes: at most three per half-open period.
        let probes = number(&row["into_dead"]) - number(&row["before_trip"]);
        let most = 2.0 * 200.0 * 0.05 + 3.0 * number(&row["trips"]);
        assert!(probes <= most, "{workers}: {probes}");
    }
}

/// Returns the figures of a breaker.
fn row(all: &Value, breaker: &str) -> Value {
    let rows = all[0]["rows"].as_array().unwrap();
    let found = rows.iter().find(|row| row["breaker"] == breaker);
    found.unwrap().clone()
}

#[test]
fn a_broken_path_closes_nothing_else() {
    for scenario in ["broken-path", "broken-poll"] {
        for (tries, runs) in [(1, 20), (4, 3)] {
            let args = format!("--only tidegate --scenario {scenario} --tries {tries}");
            let tidegate = row(&figures(&format!("{args} --runs {runs}")), "tidegate");
            let worst = number(&tidegate["served_worst"]);
            assert!(worst >= 0.99, "{scenario} {tries}: {worst}");
            // Its own requests are rejected, but for the first ones and probes.
            let sent = number(&tidegate["broken_sent"]);
            let asked = sent + number(&tidegate["broken_rejected"]);
            assert!(sent < 0.05 * asked, "{scenario}: {sent} of {asked}");
        }
        let all = figures(&format!("--scenario {scenario} --tries 1"));
        for other in [
            "one-probe",
            "linear-ramp",
            "host-ejection",
            "admission-control",
        ] {
            let served = number(&row(&all, other)["served"]);
            assert!(served < 0.7, "{scenario}: {other} has {served}");
        }
    }
}

/// The scenario is as hard for this breaker as for the others.
#[test]
fn a_breaker_of_the_whole_route_closes_it_for_a_broken_path() {
    let args = "--only tidegate --scenario broken-poll --tries 1";
    let served = |args: &str| number(&row(&figures(args), "tidegate")["served"]);
    let by_route = served(&format!("{args} --config route.json"));
    assert!(by_route < 0.7, "{by_route}");
    assert!(served(args) > 0.99);
}

#[test]
fn an_upstream_that_answers_is_let_back_whatever_it_answers() {
    // Seconds until it opens, and from the end of the incident until nearly all are served.
    for (scenario, opens, back) in [
        ("4xx-only", 1.5, 35.0),
        ("long-polls", 1.5, 50.0),
        ("hanging", 3.5, 35.0),
    ] {
        let args = format!("--only tidegate --tries 1 --runs 10 --scenario {scenario}");
        let tidegate = row(&figures(&args), "tidegate");
        let opened = tidegate["opened_worst"].as_f64();
        let recovered = tidegate["recovered_worst"].as_f64();
        assert!(
            opened.is_some_and(|seconds| seconds <= opens),
            "{scenario}: {opened:?}"
        );
        assert!(
            recovered.is_some_and(|seconds| seconds <= back),
            "{scenario}: {recovered:?}"
        );
    }
}

#[test]
fn the_breaker_recovers_within_its_limits() {
    // The longest open time with jitter, the ramp, and the time of a failed probe.
    let limits = [("outage", 35.0), ("cold-start", 35.0), ("flapping", 60.0)];
    for (scenario, limit) in limits {
        let args = format!("--only tidegate --tries 1 --runs 10 --scenario {scenario}");
        let row = figures(&args)[0]["rows"][0].clone();
        let worst = row["recovered_worst"].as_f64();
        assert!(
            worst.is_some_and(|seconds| seconds <= limit),
            "{scenario}: {worst:?}"
        );
    }
    // Waves of returning visitors delay the recovery.
    let row = figures("--only tidegate --runs 5 --scenario outage")[0]["rows"][0].clone();
    assert!(row["recovered"].is_number(), "{row}");
}
