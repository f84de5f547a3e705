//! The figures and pictures of the documentation. `SNAPSHOTS=overwrite` writes them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use snapbox::Data;

use crate::support::{figures, number, simulate, PICTURE_BYTES};

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

/// Returns the tables of these scenarios, in this order.
fn tables(markdown: &str, scenarios: &[&str]) -> String {
    let mut all = markdown.split("\n**").map(|table| table.trim_matches('\n'));
    let mut tables: Vec<(&str, String)> = Vec::new();
    let first = all.next().unwrap().trim_start_matches("**");
    for table in std::iter::once(first).chain(all) {
        let name = table.split("**").next().unwrap();
        if scenarios.contains(&name) {
            tables.push((name, format!("**{table}\n")));
        }
    }
    assert_eq!(tables.len(), scenarios.len());
    tables.sort_by_key(|(name, _)| scenarios.iter().position(|scenario| scenario == name));
    let tables = tables.into_iter().map(|(_, table)| table);
    tables.collect::<Vec<_>>().join("\n")
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
    let populations = simulate("--hints --runs 3 --markdown");
    let lengths = || {
        let of = |args: &str| simulate(&format!("--hints --population obey {args} --markdown"));
        let (short, long) = (of("--outage 5s --runs 3"), of("--outage 600s"));
        format!("{}\n{}", short.stdout, long.stdout)
    };
    let names = generate("hints", &|name| match name {
        "populations" => Some(populations.stdout.clone()),
        "lengths" => Some(lengths()),
        _ => None,
    });
    assert_eq!(names, ["populations", "lengths"]);
    show("hints", &populations.pictures);
}
