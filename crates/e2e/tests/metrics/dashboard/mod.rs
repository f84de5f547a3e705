//! `envoy/dashboard.json`: generated from [`panels`] and checked against Grafana's own types.

pub(crate) mod panels;

use std::collections::BTreeSet;

use serde_json::{json, Value};
use tidegate_e2e::grafana;

use self::panels::{Kind, Panel, ROWS};
use super::golden;

const FILE: &str = "envoy/dashboard.json";
/// Height in rows of the grid, by kind of panel.
const HEIGHT: u64 = 8;
const HEIGHT_OF_A_NUMBER: u64 = 4;
/// Columns of the grid.
const COLUMNS: u64 = 24;
/// A version of the format that Grafana 11 and later read; newer versions migrate it by themselves.
const SCHEMA_VERSION: u64 = 39;
/// What an import asks for. Only the variable of the data source refers to it, so that the dashboard also works where
/// nothing is asked.
const INPUT: &str = "DS_PROMETHEUS";

/// Returns the whole dashboard.
fn dashboard() -> Value {
    let (mut panels, mut y) = (Vec::new(), 0);
    for (title, row) in ROWS {
        panels.push(json!({
            "id": panels.len() + 1, "type": "row", "title": title, "collapsed": false, "panels": [],
            "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
        }));
        y += 1;
        let (mut x, mut highest) = (0, 0);
        for panel in *row {
            if x + panel.width > COLUMNS {
                (x, y) = (0, y + highest);
            }
            highest = height(panel);
            let place = json!({ "x": x, "y": y, "w": panel.width, "h": highest });
            panels.push(shown(panel, panels.len() + 1, place));
            x += panel.width;
        }
        y += highest;
    }
    json!({
        "__inputs": [{
            "name": INPUT, "label": "Prometheus", "description": "The Prometheus that scrapes Envoy's statistics.",
            "type": "datasource", "pluginId": "prometheus", "pluginName": "Prometheus",
        }],
        "__elements": {},
        "__requires": requirements(),
        "uid": "tidegate",
        "title": "Tidegate",
        "description": "Circuits, failures with their reasons, and what clients got instead. Needs the labels of stats-tags.yaml.",
        "tags": ["envoy", "tidegate"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": { "from": "now-1h", "to": "now" },
        "timezone": "browser",
        "annotations": { "list": [] },
        "templating": { "list": variables() },
        "panels": panels,
    })
}

/// Returns what a Grafana must have, as its import shows it.
fn requirements() -> Vec<Value> {
    let of = |kind: &str, id: &str, name: &str, version: &str| json!({ "type": kind, "id": id, "name": name, "version": version });
    vec![
        of("grafana", "grafana", "Grafana", "11.0.0"),
        of("datasource", "prometheus", "Prometheus", "1.0.0"),
        of("panel", "stat", "Stat", ""),
        of("panel", "state-timeline", "State timeline", ""),
        of("panel", "timeseries", "Time series", ""),
    ]
}

/// Returns the variables: data source, Envoys, routes.
fn variables() -> Vec<Value> {
    let query = |name: &str, label: &str, query: &str| {
        json!({
            "name": name, "label": label, "type": "query", "datasource": source(),
            "query": { "query": query, "refId": name }, "refresh": 2, "sort": 1,
            "multi": true, "includeAll": true, "allValue": ".*",
            "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
        })
    };
    vec![
        json!({
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
            // An import puts the chosen data source in its place. Provisioning leaves it as it is: a value that is no
            // data source, in place of which Grafana takes the first one there is.
            "current": { "selected": true, "text": "", "value": format!("${{{INPUT}}}") },
        }),
        query(
            "instance",
            "Envoy",
            "label_values(envoy_server_live, instance)",
        ),
        query(
            "route",
            "Route",
            "label_values({__name__=~\"tidegate_.+\", instance=~\"$instance\"}, tidegate_route)",
        ),
    ]
}

fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn height(panel: &Panel) -> u64 {
    match panel.kind {
        Kind::Number { .. } => HEIGHT_OF_A_NUMBER,
        _ => HEIGHT,
    }
}

fn shown(panel: &Panel, id: usize, place: Value) -> Value {
    let (kind, options, field) = match panel.kind {
        Kind::Number { warn, bad } => number(warn, bad),
        Kind::Lines => over_time("line", 0, "none"),
        Kind::Stack => over_time("line", 40, "normal"),
        Kind::Bars => over_time("bars", 80, "normal"),
        Kind::States => states(),
    };
    let is_now = matches!(panel.kind, Kind::Number { .. });
    let targets = panel.queries.iter().zip('A'..).map(|((expr, legend), id)| {
        json!({
            "refId": id.to_string(), "datasource": source(), "editorMode": "code",
            "expr": expr, "legendFormat": legend, "instant": is_now, "range": !is_now,
        })
    });
    let mut defaults = field;
    defaults["unit"] = panel.unit.into();
    if panel.unit == "percent" {
        (defaults["min"], defaults["max"]) = (0.into(), 100.into());
    } else if panel.kind != Kind::States {
        defaults["min"] = 0.into();
    }
    json!({
        "id": id, "type": kind, "title": panel.title, "description": panel.description,
        "datasource": source(), "gridPos": place, "targets": targets.collect::<Vec<_>>(),
        "options": options, "fieldConfig": { "defaults": defaults, "overrides": [] },
    })
}

fn number(warn: f64, bad: f64) -> (&'static str, Value, Value) {
    let mut steps = vec![json!({ "color": "green", "value": null })];
    if warn < bad {
        steps.push(json!({ "color": "yellow", "value": warn }));
    }
    steps.push(json!({ "color": "red", "value": bad }));
    let options = json!({
        "colorMode": "background", "graphMode": "none", "justifyMode": "auto", "textMode": "value",
        "orientation": "auto", "wideLayout": true, "showPercentChange": false,
        "percentChangeColorMode": "standard",
        "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
    });
    let field = json!({
        "color": { "mode": "thresholds" },
        "thresholds": { "mode": "absolute", "steps": steps },
    });
    ("stat", options, field)
}

fn over_time(style: &str, fill: u64, stacking: &str) -> (&'static str, Value, Value) {
    let options = json!({
        "legend": {
            "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true,
        },
        "tooltip": { "mode": "multi", "sort": "desc" },
    });
    let field = json!({
        "color": { "mode": "palette-classic" },
        "custom": {
            "drawStyle": style, "fillOpacity": fill, "lineWidth": 1, "showPoints": "never",
            "stacking": { "mode": stacking, "group": "A" },
        },
    });
    ("timeseries", options, field)
}

fn states() -> (&'static str, Value, Value) {
    let state = |text: &str, color: &str, index: u64| json!({ "text": text, "color": color, "index": index });
    let options = json!({
        "mergeValues": true, "rowHeight": 0.8, "showValue": "auto", "alignValue": "left",
        "legend": {
            "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true,
        },
        "tooltip": { "mode": "single", "sort": "none" },
    });
    let field = json!({
        "color": { "mode": "thresholds" },
        "custom": { "fillOpacity": 80, "lineWidth": 0 },
        "mappings": [{ "type": "value", "options": {
            "0": state("closed", "green", 0),
            "1": state("ramp", "yellow", 1),
            "2": state("half-open", "orange", 2),
            "3": state("open", "red", 3),
        } }],
    });
    ("state-timeline", options, field)
}

#[test]
fn file_is_generated_from_panels() {
    let made = serde_json::to_string_pretty(&dashboard()).expect("JSON");
    golden(FILE, &(made + "\n"));
}

/// Grafana publishes no JSON schema; its types are TypeScript.
#[test]
fn dashboard_has_grafanas_types() {
    // The check finds a wrong type, a wrong word and an unknown name.
    let mistakes: [(&str, Value); 7] = [
        ("/__inputs/0/pluginID", json!("prometheus")),
        ("/__requires/2/type", json!("panels")),
        ("/schemaVersion", json!("39")),
        ("/panels/1/options/colorMode", json!("loud")),
        ("/panels/1/targets/0/expresion", json!("up")),
        (
            "/panels/1/fieldConfig/defaults/thresholds/steps/0/colour",
            json!("red"),
        ),
        ("/templating/list/1/refresh", json!(9)),
    ];
    let made = dashboard();
    let broken = mistakes.iter().map(|(place, wrong)| {
        let mut broken = made.clone();
        let (parent, key) = place.rsplit_once('/').expect("a place");
        broken.pointer_mut(parent).expect(place)[key] = wrong.clone();
        broken
    });
    let mut dashboards = vec![made.clone()];
    dashboards.extend(broken);
    let mut said = grafana::check(&dashboards).into_iter();
    assert_eq!(said.next().as_deref(), Some(""));
    for ((place, _), said) in mistakes.iter().zip(said) {
        assert!(!said.is_empty(), "{place}: not seen");
    }
}

#[test]
fn import_is_told_every_plugin_and_asks_for_the_data_source() {
    let made = dashboard();
    let panels = made["panels"].as_array().expect("panels").iter();
    let kinds = panels.filter_map(|panel| panel["type"].as_str());
    let used: BTreeSet<&str> = kinds.filter(|kind| *kind != "row").collect();
    let listed = made["__requires"].as_array().expect("requirements").iter();
    let listed = listed.filter(|plugin| plugin["type"] == "panel");
    let listed: BTreeSet<&str> = listed.filter_map(|plugin| plugin["id"].as_str()).collect();
    assert_eq!(listed, used);
    // Provisioning replaces no input, so nothing but the variable may need one.
    let input = format!("${{{INPUT}}}");
    assert_eq!(made.to_string().matches(&input).count(), 1);
    let source = &made["templating"]["list"][0];
    assert_eq!(source["name"], "datasource");
    assert_eq!(source["current"]["value"], input);
}

/// Rules that the types do not express.
#[test]
fn every_panel_has_a_description() {
    let panels = || ROWS.iter().flat_map(|(_, panels)| *panels);
    for panel in panels() {
        assert!(panel.description.ends_with('.'), "{}", panel.title);
        assert!(!panel.queries.is_empty(), "{}", panel.title);
        for (query, legend) in panel.queries {
            assert!(!legend.is_empty(), "{}", panel.title);
            assert!(query.contains("$instance"), "{}: {query}", panel.title);
        }
    }
    let mut titles: Vec<&str> = panels().map(|panel| panel.title).collect();
    let all = titles.len();
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), all, "a title twice");
}
