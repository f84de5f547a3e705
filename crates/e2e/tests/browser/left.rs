//! The page in applications that navigate by themselves, such as those with Turbo.

use tidegate_e2e::client::browser;

use super::{with_retry, Place};

#[test]
fn script_does_not_outlive_its_page() {
    let place = Place::start(&[with_retry("page", r#"{ "after": { "default": "20s" } }"#)]);
    let passed = browser::run("left.mjs", &place.facts(), |asked| place.answer(asked));
    assert_eq!(passed.len(), 6, "{passed:#?}");
}
