//! Arguments, output and charts of the command.

use std::collections::BTreeSet;

use crate::support::{figures, number, run, simulate, PICTURE_BYTES};

#[test]
fn invalid_arguments_are_refused() {
    for (args, why) in [
        ("--scenario storm", "[possible values: all, brownout-50, brownout-30, outage, cold-start, flapping, broken-path, broken-poll, 4xx-only, long-polls, hanging]"),
        ("--only magic", "[possible values: none, one-probe, linear-ramp, host-ejection, admission-control, tidegate]"),
        ("--obey 1.5", "allowed: a number from 0 to 1"),
        ("--waste none", "allowed: a number from 0 to 1"),
        ("--outage 40", "allowed: a duration from 1ms to 24h (units: ms, s, m, h)"),
        ("--outage 25h", "allowed: a duration from 1ms to 24h (units: ms, s, m, h)"),
        ("--timeout 0s", "allowed: a duration from 1ms to 24h (units: ms, s, m, h)"),
        ("--rate 0", "0 is not in 1..=100000"),
        ("--workers 0", "0 is not in 1..=256"),
        ("--crowd 1000001", "1000001 is not in 0..=1000000"),
        ("--runs 0", "0 is not in 1..=1000"),
        ("--json --markdown", "cannot be used with"),
        ("--scenario outage --population obey", "cannot be used with"),
        ("--only tidegate --hint fixed-5s", "cannot be used with"),
        ("--outage 40s --duration 60s", "--duration: allowed: at least 61 s: 20 s before the incident, the incident, and one after it"),
        ("--config none.json", "none.json: cannot be read: "),
        ("--config bad.json", "bad.json:1:14: error: breaker.window: found 10; allowed: "),
    ] {
        let run = simulate(args);
        // As `check` ends where a configuration has errors.
        let code = if args.ends_with("bad.json") { 1 } else { 2 };
        assert_eq!(run.code, Some(code), "{args}");
        assert!(run.stderr.contains(why), "{args}: {}", run.stderr);
        assert_eq!((run.stdout.as_str(), run.names()), ("", vec![]), "{args}");
    }
}

#[test]
fn simulate_prints_a_table_and_draws_every_run() {
    let run = simulate("--scenario outage --outage 5s --duration 40s");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "  goodput        requests served, as a share of what the upstream could have served: during the",
            "                 incident if it is alive in it, otherwise in the minute after",
        ]
    );
    let table = lines.iter().position(|line| line.is_empty()).unwrap() + 1;
    let lines = &lines[table..];
    assert_eq!(lines[0], "outage: dead, then at once as good as before");
    assert!(lines[1].starts_with("  breaker  "), "{}", lines[1]);
    let widths: BTreeSet<usize> = lines[1..8]
        .iter()
        .map(|line| line.chars().count())
        .collect();
    assert_eq!(widths.len(), 1, "the columns are aligned");
    assert!(
        lines[8].starts_with("  Goodput: Tidegate has 0."),
        "{}",
        lines[8]
    );
    assert!(lines[9].starts_with("  Tidegate sent "), "{}", lines[9]);
    assert_eq!(lines[10..], ["", "7 pictures in simulation"]);
    assert_eq!(
        run.names(),
        [
            "outage.admission-control.svg",
            "outage.host-ejection.svg",
            "outage.linear-ramp.svg",
            "outage.none.svg",
            "outage.one-probe.svg",
            "outage.svg",
            "outage.tidegate.svg",
        ]
    );
    for (name, picture) in &run.pictures {
        assert!(
            picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
            "{name}"
        );
        assert!(picture.contains("<title>outage: "), "{name}");
        assert!(picture.len() < PICTURE_BYTES, "{name}: {}", picture.len());
    }
}

#[test]
fn nothing_is_written_without_a_folder() {
    for args in [
        "--scenario outage --outage 5s --duration 40s",
        "--hints --population obey --hint check-ins --outage 5s --duration 40s",
    ] {
        let run = run(args);
        assert_eq!((run.code, run.files.len()), (Some(0), 3), "{args}");
        assert!(!run.stdout.contains("picture"), "{}", run.stdout);
    }
}

#[test]
fn one_picture_is_not_called_pictures() {
    let run = simulate("--only tidegate --scenario outage --outage 5s --duration 40s");
    assert!(
        run.stdout.ends_with("\n1 picture in simulation\n"),
        "{}",
        run.stdout
    );
}

/// The upstream that is alive and overloaded is what a breaker is for.
#[test]
fn the_brownouts_come_first() {
    let run = simulate("--only tidegate --rate 5 --outage 2s --duration 40s");
    let titles = run.stdout.lines().filter_map(|line| line.split_once(": "));
    let titles: Vec<&str> = titles
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with(' '))
        .collect();
    assert_eq!(titles[..3], ["brownout-50", "brownout-30", "outage"]);
}

#[test]
fn a_chart_labels_every_line_and_state() {
    let run = simulate("--only tidegate --scenario brownout-50 --outage 10s --duration 60s");
    assert_eq!(
        run.names(),
        ["brownout-50.tidegate.svg"],
        "nothing to compare"
    );
    let picture = &run.pictures[0].1;
    for word in [
        "offered",
        "of these returning",
        "rejected",
        "admitted",
        "capacity",
        "goodput",
        "open",
        "half-open",
        "ramp",
        "waiting to return",
        "seconds",
    ] {
        assert!(picture.contains(&format!("\n{word}\n")), "{word}");
    }
}

#[test]
fn the_number_of_points_of_a_chart_is_bounded() {
    let run = simulate("--only tidegate --scenario flapping --rate 1 --outage 2h --duration 3h");
    let size = run.pictures[0].1.len();
    assert!(size < PICTURE_BYTES, "{size}");
}

#[test]
fn the_same_arguments_give_the_same_result_and_another_seed_another() {
    let args = "--scenario brownout-30 --outage 20s --duration 50s --crowd 500";
    let (first, again) = (simulate(args), simulate(args));
    assert_eq!(first.stdout, again.stdout);
    assert!(first.pictures == again.pictures, "byte for byte");
    let other = simulate(&format!("{args} --seed 2"));
    assert_ne!(first.stdout, other.stdout);
}

#[test]
fn runs_use_consecutive_seeds() {
    let of = |args: &str| {
        let args = format!("--only tidegate --scenario outage --outage 5s --duration 60s {args}");
        number(&figures(&args)[0]["rows"][0]["rejected"])
    };
    let mean = (of("--seed 7") + of("--seed 8")) / 2.0;
    assert!((of("--seed 7 --runs 2") - mean).abs() < 1e-9);
}

#[test]
fn the_settings_may_come_from_a_configuration() {
    let args = "--only tidegate --scenario outage --outage 10s --duration 40s";
    let rejected = |args: &str| number(&figures(args)[0]["rows"][0]["rejected"]);
    assert!(rejected(args) > 0.0);
    assert_eq!(rejected(&format!("{args} --config off.json")), 0.0);
}

#[test]
fn a_crowd_without_a_limit_of_tries_is_served_completely() {
    let args = "--only none --scenario outage --rate 100 --capacity 20000 --queue 10000 --tries 0";
    let series = figures(&format!("{args} --crowd 100000 --outage 30s --duration 5m"));
    let row = &series[0]["rows"][0];
    assert_eq!(number(&row["gave_up"]), 0.0);
    assert!(number(&row["into_dead"]) > 100_000.0);
    assert!(row["recovered"].is_number(), "{row}");
}
