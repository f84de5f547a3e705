//! Every option of the configuration, once: key, kind, allowed values, default, meaning, and whether
//! it is in force. Validation, the JSON Schema and `docs/configuration.md` are made from these tables.

mod pages;
mod policy;

pub(super) use pages::{PAGE, TEMPLATE};
pub(super) use policy::{MAINTENANCE, ROUTE};

use super::kind::{maybe, need, opt, section, word, Field, Kind, Word};
use super::{limits, text};

/// The document.
pub(super) static DOCUMENT: Kind = Kind::Object(ROOT);

/// The options of the top level.
pub(super) static ROOT: &[Field] = &[
    opt(
        "version",
        Kind::Whole { min: 1, max: 1 },
        "1",
        doc!("The version of this format."),
    ),
    opt(
        "mode",
        Kind::Words(MODES),
        "\"enforce\"",
        doc!("What the filter does with what it decides."),
    ),
    section("brand", BRAND, doc!("What the pages look like.")),
    section(
        "intercept",
        policy::INTERCEPT,
        doc!("Which failures get a page, and how it is made."),
    ),
    section(
        "retry",
        policy::RETRY,
        doc!("When clients are told to come back."),
    ),
    section(
        "breaker",
        policy::BREAKER,
        doc!("The circuit breaker that every route has."),
    ),
    opt(
        "routes",
        Kind::List {
            of: &Kind::Object(policy::ROUTE),
            min: 0,
            max: limits::ROUTES,
        },
        "[]",
        doc!(
            "Policies of their own for some routes. The first rule whose `match` fits is used; a \
             route that none fits has the settings of the top level."
        ),
    ),
    opt(
        "templates",
        Kind::Map {
            keys: &text::NAME,
            of: &Kind::Object(pages::TEMPLATE),
            max: limits::TEMPLATES,
            bundled: false,
        },
        "{}",
        doc!(
            "The operator's own pages, by a name of the operator's choice; docs/pages.md says what \
             can stand in them."
        ),
    ),
    opt(
        "vars",
        Kind::Map {
            keys: &text::VAR_NAME,
            of: &Kind::Text(&text::VAR),
            max: limits::VARS,
            bundled: true,
        },
        "{}",
        doc!("Texts that every template can show, as `vars.<name>`."),
    ),
    opt(
        "pages",
        Kind::List {
            of: &Kind::Object(pages::PAGE),
            min: 0,
            max: limits::PAGES,
        },
        "[]",
        doc!(
            "Which page goes with which failure. The first rule whose `match` fits is used; a \
             failure that none fits gets the built-in page."
        ),
    ),
    opt(
        "delimiters",
        Kind::List {
            of: &Kind::Text(&text::DELIMITER),
            min: 2,
            max: 2,
        },
        "[\"{{\", \"}}\"]",
        doc!(
            "What opens and what closes a tag of a template, for where `{{` is taken already, as \
             by Helm."
        ),
    ),
    section("locales", pages::LOCALES, doc!("Languages of the pages.")),
    section(
        "formats",
        pages::FORMATS,
        doc!("Which form of a page a client gets."),
    ),
    section(
        "headers",
        pages::HEADERS,
        doc!("Response headers that stay, come and go on a page."),
    ),
    section(
        "security",
        pages::SECURITY,
        doc!("What a page may show, and who may frame it."),
    ),
    section(
        "proxy_status",
        pages::PROXY_STATUS,
        doc!("The member that a page adds to `Proxy-Status` (RFC 9209)."),
    ),
    opt(
        "route_metadata",
        Kind::Words(
            const {
                &[
                    word(
                        "on_failure",
                        doc!("when a route fails or its breaker is not closed"),
                    ),
                    word(
                        "always",
                        doc!("at every request, which costs one host call more"),
                    ),
                ]
            },
        ),
        "\"on_failure\"",
        doc!(
            "When the `tidegate` metadata of the Envoy route is read. A policy chosen by metadata \
             needs `always` for `maintenance` and `forced_open`."
        ),
    ),
    opt(
        "release_header",
        Kind::Text(&text::HEADER_NAME),
        "\"x-release\"",
        doc!(
            "The response header by which an upstream names its release, so that a failure can be \
             told to have come with one."
        ),
    ),
];

/// What the filter does with what it decides.
pub(super) static MODES: &[Word] = &[
    word("enforce", doc!("acts")),
    word(
        "shadow",
        doc!("decides, counts and logs, but changes nothing"),
    ),
    word("off", doc!("does nothing")),
];

static BRAND: &[Field] = &[
    opt(
        "name",
        Kind::Text(&text::LINE),
        "\"\"",
        doc!("The name of the site; empty: none is shown."),
    ),
    maybe(
        "logo",
        Kind::Text(&text::LOGO),
        doc!(
            "The logo: part of the page, so that showing it needs no further request. An inline \
             `<svg>` holds only elements that draw: no scripts, event handlers, style sheets, \
             comments, or references to anything outside of it."
        ),
    ),
    maybe(
        "color",
        Kind::Color { dark: false },
        doc!("The accent colour of a light page; its contrast against `#fafbfc` is 3:1 at least."),
    ),
    maybe(
        "color_dark",
        Kind::Color { dark: true },
        doc!("The accent colour of a dark page; its contrast against `#10171f` is 3:1 at least."),
    ),
    maybe(
        "home_url",
        Kind::Text(&text::PAGE_URL),
        doc!("Where the link to the home page leads."),
    ),
    maybe(
        "status_url",
        Kind::Text(&text::PAGE_URL),
        doc!("Where the link to the status page leads."),
    ),
    opt(
        "links",
        Kind::List {
            of: &Kind::Object(LINK),
            min: 0,
            max: limits::LINKS,
        },
        "[]",
        doc!("Further links, in this order."),
    ),
];

pub(super) static LINK: &[Field] = &[
    need("label", Kind::Text(&text::LABEL), doc!("What is shown.")),
    need("url", Kind::Text(&text::LINK_URL), doc!("Where it leads.")),
];
