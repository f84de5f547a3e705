//! Modes, maintenance and groups, selected by the filter configuration or by the route.

use std::time::SystemTime;

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::merge;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Behaviour};

use super::bench::{is_rejected, route_to, settings, trip, wait_until, Bench, FAILURES};

/// Policies, and whether the upstream of their route works.
const POLICIES: [&str; 6] = ["forced", "disabled", "watched", "quiet", "closed", "opened"];
const BODY: &str = "<h1>the upstream's own";

/// The configuration of both listeners. One selects by route names; the other matches none of them.
pub(crate) fn configuration(by_routes: bool) -> String {
    let own = |name: &str| match name {
        "forced" => json!({ "breaker": { "mode": "forced_open" } }),
        "disabled" => json!({ "breaker": { "mode": "disabled" } }),
        // Open long enough that no probe is sent during the counting.
        "watched" => json!({ "breaker": {
            "mode": "shadow", "open": { "base": "60s", "max": "60s" },
        } }),
        "quiet" => json!({ "mode": "shadow" }),
        "closed" => json!({ "maintenance":
            { "until": "2099-01-01T00:00:00Z", "message": "Moving <house>" } }),
        _ => json!({ "maintenance": { "until": "2001-01-01T00:00:00Z" } }),
    };
    let rules = POLICIES.map(|name| {
        let route = if by_routes {
            format!("by-name-{name}")
        } else {
            "none".to_owned()
        };
        merge(
            json!({ "name": name, "match": { "route": route } }),
            own(name),
        )
    });
    let metadata = if by_routes { "on_failure" } else { "always" };
    json!({ "breaker": settings(), "routes": rules, "route_metadata": metadata }).to_string()
}

pub(crate) fn routes() -> Vec<Value> {
    let by_name = POLICIES.map(|name| route_to(&format!("by-name-{name}"), "app"));
    let by_data = POLICIES.map(|name| {
        let metadata = json!({ "filter_metadata": { "tidegate": { "policy": name } } });
        merge(
            route_to(&format!("by-data-{name}"), "app"),
            json!({ "metadata": metadata }),
        )
    });
    // A mode needs no policy, and a policy that does not exist causes no failure.
    let data = |name: &str, value: Value| {
        merge(
            route_to(name, "app"),
            json!({ "metadata": { "filter_metadata": { "tidegate": value } } }),
        )
    };
    let mode = data("by-data-mode", json!({ "mode": "off" }));
    let unknown = data("by-data-unknown", json!({ "policy": "nowhere" }));
    by_name
        .into_iter()
        .chain(by_data)
        .chain([mode, unknown])
        .collect()
}

pub(crate) fn behaviours() -> Vec<(String, Behaviour)> {
    let names = ["by-name", "by-data"];
    let kinds = ["disabled", "watched", "quiet", "mode", "unknown"];
    let down = || Behaviour::from(Answer::status(503).body("text/html", BODY));
    let all = names
        .iter()
        .flat_map(|by| kinds.iter().map(move |kind| format!("{by}-{kind}")));
    all.map(|name| (name, down())).collect()
}

pub(crate) fn modes_are_selected_by_the_configuration(bench: &Bench) {
    each_policy(bench, "modes", "by-name");
}

pub(crate) fn modes_are_selected_by_route_metadata(bench: &Bench) {
    each_policy(bench, "metadata", "by-data");
    let client = Client::new(Protocol::H1, bench.address("metadata"));
    for _ in 0..FAILURES * 2 {
        let answer = client.get(&Request::get("/by-data-mode"));
        assert_eq!((answer.status, answer.text()), (503, BODY));
    }
    trip(&client, "/by-data-unknown");
    let unknown = "wasmcustom.tidegate.breaker.unknown_name";
    assert!(bench.envoy.wait_for_stat(unknown, FAILURES) >= FAILURES);
}

fn each_policy(bench: &Bench, listener: &str, by: &str) {
    let client = Client::new(Protocol::H1, bench.address(listener));
    let get = |name: &str| -> Response {
        let request = Request::get(&format!("/{by}-{name}"));
        client.get(&request.header("accept", "application/json"))
    };
    let reached = |name: &str| bench.upstream.requests(&format!("{by}-{name}"));
    let problem =
        |answer: &Response| -> Value { serde_json::from_str(answer.text()).expect("JSON") };
    let twice = FAILURES * 2;

    for _ in 0..twice {
        let forced = get("forced");
        assert!(
            is_rejected(&forced) && forced.status == 503,
            "{by}: {forced:?}"
        );
        assert_eq!(problem(&forced).get("tripped_by"), None, "{by}");

        for name in ["disabled", "watched"] {
            let answer = get(name);
            assert_eq!(
                answer.header("x-tidegate-page"),
                Some("upstream_unavailable"),
                "{by} {name}"
            );
        }
        let quiet = get("quiet");
        assert_eq!(
            (quiet.status, quiet.text(), quiet.header("x-tidegate-page")),
            (503, BODY, None),
            "{by}"
        );

        let closed = get("closed");
        assert_eq!(
            closed.header("x-tidegate-page"),
            Some("maintenance"),
            "{by}"
        );
        let problem = problem(&closed);
        assert_eq!(
            (closed.status, &problem["reason"]),
            (503, &json!("maintenance")),
            "{by}"
        );
        assert_eq!(problem["until"], "2099-01-01T00:00:00Z", "{by}");
        assert_eq!(problem["detail"], "Moving <house>", "{by}");
        // The whole time until then, however long it is, and up to `retry.max` more, so that clients do not all
        // come at one moment.
        const SPREAD: u64 = 15 * 60;
        let until = humantime::parse_rfc3339("2099-01-01T00:00:00Z").expect("a date");
        let left = until.duration_since(SystemTime::now()).expect("later");
        let left = left.as_secs();
        let hint = closed.header("retry-after").and_then(|s| s.parse().ok());
        assert!(
            hint.is_some_and(|hint| (left..left + SPREAD + 60).contains(&hint)),
            "{by}: {hint:?}"
        );

        assert_eq!(get("opened").status, 200, "{by}");
    }
    let html = client.get(&Request::get(&format!("/{by}-closed")).header("accept", "text/html"));
    assert!(html.text().contains("Moving &lt;house&gt;"), "{by}");
    let line = bench
        .envoy
        .wait_for_access(listener, &format!("/{by}-closed"));
    assert_eq!(line["details"], "tidegate_maintenance{}", "{by}");

    let counts = POLICIES.map(reached);
    assert_eq!(
        counts,
        [0, twice, twice, twice, 0, twice],
        "{by}: {POLICIES:?}"
    );
    // In shadow mode the breaker has decided and logged all the same.
    let key = |name: &str| format!("{by}-{name}/app");
    for name in ["watched", "quiet"] {
        wait_until("what only watches to have tripped", || {
            let event = bench.events(&key(name)).into_iter().next()?;
            (event == ("closed".to_owned(), "open".to_owned())).then_some(())
        });
    }
    // Would-be rejections are counted, and so are real ones.
    let stat = |what: &str, name: &str| {
        format!("wasmcustom.tidegate.breaker.{what}.route.{by}-{name}/app")
    };
    for (what, name, count) in [
        ("would_reject", "watched", twice - FAILURES),
        ("rejected", "forced", twice),
        ("state", "watched", 3),
    ] {
        let counted = bench.envoy.wait_for_stat(&stat(what, name), count);
        assert_eq!(counted, count, "{by}: {what} {name}");
    }
    assert_eq!(bench.envoy.stat(&stat("rejected", "watched")), 0, "{by}");
    for name in ["forced", "disabled", "closed", "opened"] {
        assert_eq!(bench.events(&key(name)), [], "{by} {name}");
    }
}

pub(crate) fn a_group_has_one_breaker(bench: &Bench) {
    bench.trip("/team-one");
    let client = bench.client();
    for path in ["/team-two", "/team-three"] {
        wait_until("the group to be cut off", || {
            is_rejected(&client.get(&Request::get(path))).then_some(())
        });
    }
    assert_eq!(bench.client().get(&Request::get("/near")).status, 200);
}
