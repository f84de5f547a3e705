//! The page of `tidegate init`, whose way back is that of the built-in page.

use serde_json::{json, Value};
use tempfile::TempDir;
use tidegate_core::config::Config;
use tidegate_core::page::Pages;
use tidegate_e2e::client::browser;
use tidegate_e2e::config::{merge, route, tidegate, Listener};
use tidegate_e2e::tool;

use super::Place;

/// A white dot.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTRVtwAAAABJRU5ErkJggg==";
/// A name that does not fit on one line of a phone.
const LONG: &str =
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";

/// Returns the configuration that the files of `init` make.
fn made_by_init() -> Value {
    let folder = TempDir::new().expect("make a folder");
    let run = |args: &[&str]| {
        let output = tool().args(args).current_dir(&folder).output();
        let output = output.expect("run the command");
        assert!(output.status.success(), "{args:?}: {output:?}");
        output.stdout
    };
    run(&["init"]);
    let bundle = run(&["bundle", "tidegate.yaml"]);
    serde_json::from_slice(&bundle).expect("JSON")
}

#[test]
fn the_page_of_init_comes_back_by_itself() {
    let base = merge(
        made_by_init(),
        json!({
            "retry": { "after": { "default": "20s" }, "check_ins": 1_000_000 },
            "breaker": { "mode": "disabled" },
        }),
    );
    let brand = |more: Value| merge(base.clone(), json!({ "brand": more }));
    let mut named = base.clone();
    named["brand"]
        .as_object_mut()
        .expect("a brand")
        .remove("logo");
    let mut long = merge(named.clone(), json!({ "brand": { "name": LONG } }));
    long["brand"]["links"] = json!([{ "label": LONG, "url": "/help" }]);
    let listeners = [
        ("own", base.clone()),
        ("picture", brand(json!({ "logo": PICTURE }))),
        ("named", named),
        ("long", long),
    ];
    let module = tidegate_e2e::module();
    let place = Place::start(&listeners.map(|(name, text)| {
        Listener::new(name)
            .filter(tidegate(&module, Some(&text.to_string())))
            .routes([route("/", "site")])
    }));
    let pages = Pages::new(&Config::default());
    let languages: Vec<_> = pages.languages().collect();
    let facts = merge(place.facts(), json!({ "languages": languages }));
    let passed = browser::run("own.mjs", &facts, |asked| place.answer(asked));
    assert_eq!(passed.len(), 5, "{passed:#?}");
}
