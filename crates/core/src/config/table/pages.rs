//! Options of what a client gets: templates, languages, formats, headers, security.

use super::super::kind::{maybe, opt, section, word, Field, Kind};
use super::super::{limits, text};

/// The operator's own wording.
const STRINGS: Kind = Kind::Map {
    keys: &text::STRING_KEY,
    of: &Kind::Text(&text::PROSE),
    max: limits::STRINGS,
    bundled: true,
};

pub(in crate::config) static TEMPLATE: &[Field] = &[
    maybe(
        "html",
        Kind::Text(&text::TEMPLATE),
        doc!("The page as HTML."),
    ),
    maybe(
        "text",
        Kind::Text(&text::TEMPLATE),
        doc!("The page as text for a terminal."),
    ),
    opt(
        "problem",
        Kind::Map {
            keys: &text::PROBLEM_MEMBER,
            of: &Kind::Any,
            max: limits::PROBLEM_MEMBERS,
            bundled: false,
        },
        "{}",
        doc!("Members that problem+json gets in addition; strings in it are templates."),
    ),
];

pub(in crate::config) static PAGE: &[Field] = &[
    section(
        "match",
        MATCH,
        doc!("Which failures the rule is for; all parts that are given must fit."),
    ),
    maybe(
        "template",
        Kind::Text(&text::NAME),
        doc!("The page, by its name in `templates`; without: the built-in page."),
    ),
    opt(
        "strings",
        STRINGS,
        "{}",
        doc!("Wording that differs on this page, in every language."),
    ),
];

static MATCH: &[Field] = &[
    opt(
        "statuses",
        Kind::List {
            of: &Kind::Status,
            min: 0,
            max: limits::LIST,
        },
        "[]",
        doc!("Statuses of the page; empty: all."),
    ),
    opt(
        "reasons",
        Kind::List {
            of: &Kind::Reason,
            min: 0,
            max: limits::LIST,
        },
        "[]",
        doc!("Reasons; empty: all."),
    ),
    opt(
        "hosts",
        Kind::List {
            of: &Kind::Text(&text::HOST_PATTERN),
            min: 0,
            max: limits::LIST,
        },
        "[]",
        doc!("Hosts of the request, without port, in any case; empty: all."),
    ),
    maybe(
        "path_prefix",
        Kind::Text(&text::PATH_PREFIX),
        doc!("What the path of the request begins with; without: all paths."),
    ),
    opt(
        "routes",
        Kind::List {
            of: &Kind::Text(&text::ENVOY_NAME),
            min: 0,
            max: limits::LIST,
        },
        "[]",
        doc!("Names of Envoy routes; empty: all."),
    ),
];

pub(super) static LOCALES: &[Field] = &[
    opt(
        "default",
        Kind::Text(&text::LANGUAGE),
        "\"en\"",
        doc!("The language used when none that the client asks for is there."),
    ),
    opt(
        "strings",
        Kind::Map {
            keys: &text::LANGUAGE,
            of: &STRINGS,
            max: limits::LOCALES,
            bundled: false,
        },
        "{}",
        doc!(
            "Wording by language: languages of your own, or single texts of a built-in one. The \
             key `dir` is the direction of the language, `ltr` or `rtl`. Keys that begin with `own.` \
             are for texts of your own templates."
        ),
    ),
];

pub(super) static FORMATS: &[Field] = &[
    opt(
        "default",
        Kind::Words(
            const {
                &[
                    word("html", doc!("a page for a person")),
                    word("problem", doc!("`application/problem+json` (RFC 9457)")),
                    word("text", doc!("a few lines for a terminal")),
                ]
            },
        ),
        "\"text\"",
        doc!("The format for a client that does not say what it can use."),
    ),
    opt(
        "problem_type_base",
        Kind::Text(&text::PROBLEM_TYPE),
        "\"about:blank\"",
        doc!(
            "What the `type` of a problem begins with; the reason follows. `about:blank` stands as \
             it is."
        ),
    ),
    opt(
        "cli_agents",
        Kind::List {
            of: &Kind::Text(&text::AGENT),
            min: 0,
            max: limits::LIST,
        },
        "[\"curl/\", \"Wget/\", \"HTTPie/\"]",
        doc!("What the `User-Agent` of programs of a terminal begins with."),
    ),
];

pub(super) static HEADERS: &[Field] = &[
    opt(
        "keep",
        Kind::List {
            of: &Kind::Text(&text::HEADER_TO_KEEP),
            min: 0,
            max: limits::LIST,
        },
        "[\"access-control-*\", \"strict-transport-security\", \"alt-svc\"]",
        doc!(
            "Headers of the failed response that its page keeps, in any case. What speaks of the \
             replaced response (its cookies, caching, encoding, ...) is not kept."
        ),
    ),
    opt(
        "set",
        Kind::Map {
            keys: &text::HEADER_TO_SET,
            of: &Kind::Text(&text::HEADER_VALUE),
            max: limits::HEADERS,
            bundled: false,
        },
        "{}",
        doc!("Headers that every page gets, in place of its own of that name."),
    ),
    opt(
        "remove",
        Kind::List {
            of: &Kind::Text(&text::HEADER_TO_REMOVE),
            min: 0,
            max: limits::LIST,
        },
        "[\"server\"]",
        doc!(
            "Headers that no page carries, in any case. What no page can do without (its type, its \
             caching, its gRPC status) stays."
        ),
    ),
];

pub(super) static SECURITY: &[Field] = &[
    opt(
        "csp",
        Kind::Text(&text::CSP),
        "\"auto\"",
        doc!(
            "The `Content-Security-Policy` of HTML pages. `auto`: nothing but what the page itself \
             holds, by hashes of its scripts and styles; `off`: none; anything else: sent as it is."
        ),
    ),
    opt(
        "frame_ancestors",
        Kind::Text(&text::FRAME_ANCESTORS),
        "\"'none'\"",
        doc!("Who may show a page in a frame: the `frame-ancestors` of the policy of `auto`."),
    ),
    opt(
        "expose",
        Kind::List {
            of: &Kind::Words(
                const {
                    &[
                        word(
                            "request_id",
                            doc!("the `x-request-id`, to quote to support"),
                        ),
                        word("timestamp", doc!("when it failed")),
                        word("host", doc!("the host of the request")),
                        word("path", doc!("the path of the request, without its query")),
                    ]
                },
            ),
            min: 0,
            max: limits::LIST,
        },
        "[\"request_id\", \"timestamp\"]",
        doc!("What a page may show of the request."),
    ),
    opt(
        "inner_pages",
        Kind::Words(
            const {
                &[
                    word(
                        "trust",
                        doc!("it passes untouched: an inner hop has made a page already"),
                    ),
                    word(
                        "ignore",
                        doc!("the mark means nothing, since any upstream could set it"),
                    ),
                ]
            },
        ),
        "\"trust\"",
        doc!("What happens to a response of the upstream that is marked as a page of Tidegate."),
    ),
];

pub(super) static PROXY_STATUS: &[Field] = &[
    opt(
        "name",
        Kind::Text(&text::PROXY_NAME),
        "\"gateway\"",
        doc!("The name of this deployment (not of the product)."),
    ),
    opt(
        "details",
        Kind::Bool,
        "false",
        doc!("Whether Envoy's own details are told."),
    ),
];
