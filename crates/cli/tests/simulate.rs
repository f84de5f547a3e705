//! Arguments, output and charts of `tidegate simulate`, and the requirements that the breaker meets
//! in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use snapbox::Data;
use tempfile::TempDir;

/// Largest size of a chart in the documentation.
const PICTURE_BYTES: usize = 60 * 1024;

/// Exit code, standard output, standard error, charts by name.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    pictures: Vec<(String, String)>,
}

impl Run {
    fn names(&self) -> Vec<&str> {
        self.pictures
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// Runs the simulation in a folder of its own.
fn simulate(args: &str) -> Run {
    let directory = TempDir::new().unwrap();
    fs::write(
        directory.path().join("off.json"),
        r#"{"breaker": {"mode": "disabled"}}"#,
    )
    .unwrap();
    fs::write(
        directory.path().join("bad.json"),
        r#"{"breaker": {"window": 10}}"#,
    )
    .unwrap();
    fs::write(
        directory.path().join("route.json"),
        r#"{"breaker": {"scope": "route"}}"#,
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("simulate")
        .args(args.split_whitespace())
        .current_dir(directory.path())
        .output()
        .unwrap();
    let mut pictures = Vec::new();
    if let Ok(entries) = fs::read_dir(directory.path().join("simulation")) {
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            pictures.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    pictures.sort();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        pictures,
    }
}

/// Returns the figures as JSON.
fn figures(args: &str) -> Value {
    let run = simulate(&format!("{args} --json"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn invalid_arguments_are_refused() {
    for (args, why) in [
        ("--scenario storm", "[possible values: all, outage, cold-start, brownout-50, brownout-30, flapping, broken-path, broken-poll, 4xx-only, long-polls, hanging]"),
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
        ("--outage 40s --duration 60s", "--duration: allowed: at least 61 s: 20 s before the incident, the incident, and one after it"),
        ("--config none.json", "none.json: cannot be read: "),
        ("--config bad.json", "bad.json: breaker.window: found 10; allowed: "),
    ] {
        let run = simulate(args);
        assert_eq!(run.code, Some(2), "{args}");
        assert!(run.stderr.contains(why), "{args}: {}", run.stderr);
        assert_eq!((run.stdout.as_str(), run.names()), ("", vec![]), "{args}");
    }
}

#[test]
fn simulate_prints_a_table_and_draws_every_run() {
    let run = simulate("--scenario outage --outage 5s --duration 40s");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "outage: dead, then at once as good as before");
    assert!(lines[1].starts_with("  breaker  "), "{}", lines[1]);
    let widths: BTreeSet<usize> = lines[1..8]
        .iter()
        .map(|line| line.chars().count())
        .collect();
    assert_eq!(widths.len(), 1, "the columns are aligned");
    assert_eq!(lines[8..], ["", "7 pictures in simulation"]);
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

/// Paced hints meet the requirements, and no other kind does.
#[test]
fn paced_hints_never_overload_a_recovered_upstream() {
    for args in [
        "--outage 5s --crowd 7500",
        "--outage 60s --crowd 75",
        "--outage 60s --crowd 750 --workers 1",
        "--outage 60s --crowd 750 --workers 16",
        "--outage 180s --crowd 750 --seed 2",
    ] {
        let all = figures(&format!("--hints --rate 100 {args}"));
        let row = |hints: &str| {
            let rows = all[0]["rows"].as_array().unwrap();
            rows.iter()
                .find(|row| row["hints"] == hints)
                .unwrap()
                .clone()
        };
        let paced = row("paced");
        // New visitors arrive randomly: in a few seconds there are more than usual.
        assert!(number(&paced["peak_load"]) <= 1.1, "{args}: {paced}");
        let most = 3.0 + 0.02 * number(&paced["all_served_s"]);
        assert!(number(&paced["overloaded_s"]) <= most, "{args}: {paced}");
        assert_eq!(number(&paced["trips_after"]), 0.0, "{args}: {paced}");
        for other in ["fixed-5s", "fixed-30s", "jittered"] {
            let other = row(other);
            assert!(number(&other["peak_load"]) > 1.5, "{args}: {other}");
            let wasted = number(&other["wasted"]);
            assert!(wasted > 1.5 * number(&paced["wasted"]), "{args}: {other}");
        }
    }
}

/// Uses a million clients.
#[test]
fn paced_hints_hold_for_a_million_clients() {
    let args = "--rate 20000 --outage 10s --crowd 900000 --duration 5m --workers 4";
    let all = figures(&format!("--hints {args}"));
    let paced = &all[0]["rows"][3];
    assert_eq!(paced["hints"], "paced");
    assert!(number(&paced["peak_load"]) <= 1.1, "{paced}");
    assert!(number(&paced["all_served_s"]) < 270.0, "{paced}");
}

#[test]
fn hints_are_compared_for_an_outage_or_for_several() {
    let run = simulate("--hints --rate 10 --outage 5s --crowd 20 --duration 1m");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(run.names(), ["hints.5s.20.svg"]);
    assert!(
        run.stdout.contains("outage of 5 s, a crowd of 20 besides"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("paced (Tidegate)"), "{}", run.stdout);
    assert!(
        run.stdout.ends_with("\n1 pictures in simulation\n"),
        "{}",
        run.stdout
    );
    for (args, why) in [
        ("--hints --scenario outage", "cannot be used with"),
        ("--hints --only none", "cannot be used with"),
        (
            "--hints --duration 30s",
            "--duration: allowed: at least 81 s",
        ),
    ] {
        let run = simulate(args);
        assert_eq!(run.code, Some(2), "{args}");
        assert!(run.stderr.contains(why), "{args}: {}", run.stderr);
    }
}

// Documentation.

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a file with its expected content. SNAPSHOTS=overwrite writes it.
fn golden(path: &str, want: &str) {
    let golden = Data::read_from(&root().join(path), None).raw();
    snapbox::assert_data_eq!(want.to_owned(), golden);
}

/// Returns the goodput in the two brown-outs by the share of wasted work.
fn waste() -> String {
    let shares = ["0", "0.25", "0.5", "0.75", "1"];
    let runs = shares.map(|share| {
        let of = |scenario| {
            let args = format!("--tries 1 --runs 3 --waste {share} --scenario {scenario}");
            figures(&args)[0]["rows"].as_array().unwrap().clone()
        };
        (of("brownout-50"), of("brownout-30"))
    });
    let mut text = format!(
        "| breaker | {} |\n| --- |{}\n",
        shares.join(" | "),
        " ---: |".repeat(5)
    );
    let names = [
        ("one-probe", "one probe, then closed"),
        ("linear-ramp", "linear ramp, re-opens at 50 %"),
        ("admission-control", "Envoy's admission control"),
        ("tidegate", "Tidegate"),
    ];
    for (name, title) in names {
        let goodput = |rows: &[Value]| {
            let row = rows.iter().find(|row| row["breaker"] == name).unwrap();
            number(&row["goodput"])
        };
        let cells = runs
            .each_ref()
            .map(|(half, third)| format!("{:.2} / {:.2}", goodput(half), goodput(third)));
        text.push_str(&format!("| {title} | {} |\n", cells.join(" | ")));
    }
    text
}

/// Compares the generated parts of a page: those that are `made` here. Returns their names.
fn generate(page: &str, made: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let path = format!("docs/{page}.md");
    let text = fs::read_to_string(root().join(&path)).unwrap();
    let mut parts = text.split("<!-- generated: ");
    let mut want = parts.next().unwrap().to_owned();
    let mut names = Vec::new();
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (found, rest) = rest.split_once("<!-- end -->").unwrap();
        let text = made(name);
        names.extend(text.is_some().then(|| name.to_owned()));
        let text = text.unwrap_or_else(|| found.to_owned());
        want.push_str(&format!(
            "<!-- generated: {name} -->\n{text}<!-- end -->{rest}"
        ));
    }
    golden(&path, &want);
    names
}

/// Compares the charts of a page with these, by name. There must be no others.
fn show(page: &str, pictures: &[(String, String)]) {
    let text = fs::read_to_string(root().join(format!("docs/{page}.md"))).unwrap();
    let mut drawn = 0;
    for (name, picture) in pictures {
        let name = format!("img/{page}/{name}");
        if text.contains(&format!("]({name})")) {
            assert!(picture.len() < PICTURE_BYTES, "{name}: {}", picture.len());
            golden(&format!("docs/{name}"), picture);
            drawn += 1;
        }
    }
    let shown = text.matches(&format!("](img/{page}/")).count();
    assert_eq!(drawn, shown, "each picture of the page is one of these");
    let folder = root().join(format!("docs/img/{page}"));
    let kept = fs::read_dir(folder).unwrap().count();
    assert_eq!(
        kept, shown,
        "no picture is kept that the page does not show"
    );
}

/// Returns the tables of these scenarios.
fn tables(markdown: &str, scenarios: &[&str]) -> String {
    let mut all = markdown.split("\n**").map(|table| table.trim_matches('\n'));
    let mut tables: Vec<String> = Vec::new();
    let first = all.next().unwrap().trim_start_matches("**");
    for table in std::iter::once(first).chain(all) {
        let name = table.split("**").next().unwrap();
        if scenarios.contains(&name) {
            tables.push(format!("**{table}\n"));
        }
    }
    assert_eq!(tables.len(), scenarios.len());
    tables.join("\n")
}

#[test]
fn the_documentation_has_the_figures_and_pictures_of_this_breaker() {
    const USUAL: [&str; 5] = [
        "outage",
        "cold-start",
        "brownout-50",
        "brownout-30",
        "flapping",
    ];
    let alone = simulate("--tries 1 --runs 3 --markdown");
    let returning = simulate("--runs 3 --markdown");
    let names = generate("breaker", &|name| {
        Some(match name {
            "alone" => tables(&alone.stdout, &USUAL),
            "returning" => tables(&returning.stdout, &USUAL),
            "broken path" => tables(&alone.stdout, &["broken-path", "broken-poll"]),
            "other answers" => tables(&alone.stdout, &["4xx-only", "long-polls", "hanging"]),
            "waste" => waste(),
            // Generated by the filter's own tests.
            _ => return None,
        })
    });
    assert_eq!(
        names,
        [
            "alone",
            "returning",
            "broken path",
            "other answers",
            "waste"
        ]
    );
    let returning = returning
        .pictures
        .into_iter()
        .map(|(name, picture)| (format!("returning.{name}"), picture));
    let pictures: Vec<_> = alone.pictures.into_iter().chain(returning).collect();
    show("breaker", &pictures);
}

#[test]
fn the_documentation_has_the_figures_and_pictures_of_these_hints() {
    let run = simulate("--hints --rate 100 --markdown");
    let names = generate("hints", &|_| Some(run.stdout.clone()));
    assert_eq!(names, ["hints"]);
    show("hints", &run.pictures);
}
