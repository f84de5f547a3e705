//! The page of sites on which HEAD is not GET: 404, 405, 501, a limit, or no answer.

use serde_json::json;
use tidegate_e2e::client::browser;
use tidegate_e2e::config::{merge, route, tidegate, Listener};

use super::{with_retry, Place};

#[test]
fn page_comes_back_where_head_is_not_get() {
    let retry = r#"{ "after": { "default": "20s" } }"#;
    let every = json!({
        "retry": { "after": { "default": "20s" }, "check_ins": 1_000_000 },
        "breaker": { "mode": "disabled" },
        "intercept": { "statuses": ["4xx", "5xx"] },
    });
    let every = tidegate(&tidegate_e2e::module(), Some(&every.to_string()));
    let head = || {
        let of_head = json!({
            "match": { "headers": [{ "name": ":method", "string_match": { "exact": "HEAD" } }] },
            // A check-in has a behaviour of its own: its path selects it.
            "request_headers_to_add": [{ "header": { "key": "x-behaviour", "value": "%REQ(:PATH)%" } }],
            "route": { "timeout": "0s" },
        });
        merge(route("/", "site"), of_head)
    };
    let place = Place::start(&[
        with_retry("page", retry).first_routes([head()]),
        Listener::new("every")
            .filter(every)
            .routes([head(), route("/", "site")]),
    ]);
    let passed = browser::run("head.mjs", &place.facts(), |asked| place.answer(asked));
    assert_eq!(passed.len(), 8, "{passed:#?}");
}
