//! The page in a tab behind another one.

use tidegate_e2e::client::browser;

use super::{with_retry, Place};

#[test]
fn page_asks_nothing_while_its_tab_is_hidden() {
    let place = Place::start(&[with_retry("page", r#"{ "after": { "default": "8s" } }"#)]);
    let passed = browser::run("hidden.mjs", &place.facts(), |asked| place.answer(asked));
    assert_eq!(passed.len(), 1, "{passed:#?}");
}
