//! Pages: what a client gets instead of a failure, in each of its formats.
//!
//! A failing site is looked at by many people at once, from a gateway that has better things to
//! do, and what they see was partly written by strangers (request ids, paths). So: everything that
//! can be known at configuration is made there ([`Pages::new`]); [`Pages::render`] copies it into
//! one buffer, with the few facts of the request between, each escaped for the place where it
//! stands ([`escape`]), and shown only if the configuration exposes it.

mod auto;
mod base64;
mod color;
mod csp;
mod escape;
mod grpc;
mod kind;
mod language;
mod locales;
mod phrase;
mod problem;
mod scope;
mod shown;
mod squeezed;
mod template;
mod time;
mod validate;
mod when;
mod words;

#[cfg(test)]
mod tests;

use alloc::sync::Arc;

use squeezed::{squeezed_len, Squeezed};

use crate::config::{Config, Exposed, Maintenance, PageRetry, PageRule, Security, TemplateSource};
use crate::gate::{without_port, without_query};
use crate::headers::HeaderBlock;
use crate::negotiate::Format;
use crate::prelude::*;
use crate::reason::{Reason, Source};
use escape::Body;
use kind::Kind;
use scope::Scope;
use shown::Shown;
use words::Words;

pub use grpc::STATUS_UNAVAILABLE as GRPC_STATUS_UNAVAILABLE;
use language::is_spoken;
pub use language::LanguageId;
pub use template::names::{Name, NAMES};
use template::Env;
pub(crate) use template::Program;
pub use template::{Syntax, TemplateError};
pub use words::keys;

/// The built-in HTML page, but for its [`PIECES`], as people read it.
const HTML_SOURCE: &str = include_str!("builtin/page.html");
const HTML_SQUEEZED: Squeezed<{ squeezed_len(HTML_SOURCE) }> = Squeezed::new(HTML_SOURCE);
const HTML: &str = match HTML_SQUEEZED.text() {
    Some(html) => html,
    None => panic!("builtin/page.html"),
};

/// What is put into the built-in HTML page as it is, with its names there.
const PIECES: &[(&str, &str)] = &[
    ("builtin.style", include_str!("builtin/page.css")),
    ("builtin.scene", include_str!("builtin/scene.svg")),
    ("builtin.script", auto::SCRIPT),
];

/// The template of the built-in HTML page, for operators to start from.
pub fn built_in_html() -> String {
    let mut html = HTML_SOURCE.to_owned();
    for (name, text) in PIECES {
        let readable = match *name {
            "builtin.script" => auto::SOURCE,
            _ => text,
        };
        html = html.replace(&["{{{", name, "}}}"].joined(), readable);
    }
    html
}

/// The template of the built-in text page.
pub const BUILT_IN_TEXT: &str = include_str!("builtin/page.txt");

/// What is wrong with a template of this configuration; nothing: it can be served.
pub fn check_template(config: &Config, syntax: Syntax, source: &str) -> Vec<TemplateError> {
    Env::of(config).check(syntax, source)
}

/// Everything that a page can be made from. Bytes of the client are raw here: a page validates or
/// escapes them by where they stand, and shows them only if the configuration exposes them.
#[derive(Debug, Clone)]
pub struct PageFacts<'a> {
    /// The form to make.
    pub format: Format,
    /// The status that the answer carries.
    pub status: u16,
    /// Why it failed.
    pub reason: Reason,
    /// Who made the failing response.
    pub source: Source,
    /// What tripped the breaker, where its circuit is open.
    pub tripped_by: Option<Reason>,
    /// The maintenance, where that is the reason.
    pub maintenance: Option<&'a Maintenance>,
    /// When to come back, in milliseconds; `None`: trying again does not help.
    pub retry_after_ms: Option<u64>,
    /// How the page comes back by itself; `None`: it does not.
    pub page_retry: Option<&'a PageRetry>,
    /// `x-request-id`, as the client or Envoy wrote it.
    pub request_id: Option<&'a [u8]>,
    /// When it failed, in milliseconds since the Unix epoch; `None`: not known.
    pub now_ms: Option<u64>,
    /// `:method`.
    pub method: &'a [u8],
    /// `:authority`.
    pub host: &'a [u8],
    /// `:path`, with its query, which is never shown.
    pub path: &'a [u8],
    /// The language to speak.
    pub language: LanguageId,
    /// Name of the Envoy route; empty: not known.
    pub route: &'a [u8],
    /// Number of the template that the route asks for ([`Pages::template`]).
    pub page: Option<usize>,
}

/// A rendered page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    /// `content-type`, with its charset; `None` where there is no body to describe, and for gRPC,
    /// whose content type Envoy sets.
    pub content_type: Option<&'static str>,
    /// `content-security-policy`, for HTML.
    pub csp: Option<&'a str>,
    /// `content-language`.
    pub language: &'a str,
    /// Further headers that belong to the format (those of gRPC).
    pub headers: Vec<(&'static str, String)>,
    /// The body; for gRPC the message, not yet percent-encoded (Envoy does that).
    pub body: Vec<u8>,
}

/// An HTML template and the policy that lets it work.
#[derive(Debug, Default)]
struct Html {
    program: Arc<Program>,
    csp: Option<String>,
}

impl Html {
    fn new(program: Arc<Program>, security: &Security, is_own: bool) -> Self {
        let (styles, scripts) = (program.blocks(true), program.blocks(false));
        Self {
            csp: csp::policy(security, &styles, &scripts, is_own),
            program,
        }
    }
}

/// A page of the operator's own, in the forms that it has.
#[derive(Debug)]
struct Own {
    name: String,
    html: Option<Html>,
    text: Option<Arc<Program>>,
    members: Option<Program>,
}

/// All pages of a configuration, ready to be rendered.
#[derive(Debug)]
pub struct Pages {
    languages: language::Languages,
    html: Html,
    /// The policy of a built-in page that stays: its script is not there.
    still_csp: Option<String>,
    text: Program,
    problem: problem::Problem,
    own: Vec<Own>,
    rules: Vec<PageRule>,
    expose: Vec<Exposed>,
    kept: kind::Kept,
}

impl Pages {
    /// Prepares the pages of `config`. A template that cannot be right (no valid configuration has
    /// one) leaves the built-in page in its place.
    pub fn new(config: &Config) -> Self {
        let security = &config.security;
        let env = Env::of(config);
        let mut own = Vec::new();
        for (name, template) in &config.templates {
            own.push(Own {
                name: name.clone(),
                html: program(&env, Syntax::Html, &template.html)
                    .map(|program| Html::new(program, security, true)),
                text: program(&env, Syntax::Text, &template.text),
                members: Some(template.problem.as_slice())
                    .filter(|members| !members.is_empty())
                    .and_then(|members| env.read_members(members).ok()),
            });
        }
        let env = env.for_built_in(PIECES);
        let html = env.read(Syntax::Html, HTML).unwrap_or_default();
        Self {
            languages: language::Languages::new(&config.locales),
            still_csp: csp::policy(security, &html.blocks(true), &[], false),
            html: Html::new(Arc::new(html), security, false),
            text: env.read(Syntax::Text, BUILT_IN_TEXT).unwrap_or_default(),
            problem: problem::Problem::new(&config.formats.problem_type_base),
            own,
            rules: config.pages.clone(),
            expose: security.expose.clone(),
            kept: kind::Kept::default(),
        }
    }

    /// The language that a request asks for (RFC 4647 §3.4), else the configured default.
    pub fn language(&self, request: &HeaderBlock) -> LanguageId {
        self.languages.of_request(request)
    }

    /// The language for a tag, else the configured default.
    pub fn language_of_tag(&self, tag: &str) -> LanguageId {
        self.languages.of_tag(tag.as_bytes())
    }

    /// The tags of all languages, built in and configured.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.tags()
    }

    /// Number of the template with this name.
    pub fn template(&self, name: &[u8]) -> Option<usize> {
        self.own.iter().position(|own| own.name.as_bytes() == name)
    }

    /// Whether which page is served depends on the Envoy route.
    pub fn ask_for_routes(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| !rule.matches.routes.is_empty())
    }

    /// Makes the page for `facts`.
    pub fn render(&self, facts: &PageFacts<'_>) -> Page<'_> {
        let mut page = Page {
            content_type: None,
            csp: None,
            language: "",
            headers: Vec::new(),
            body: Vec::new(),
        };
        let Some(language) = self.languages.get(facts.language) else {
            return page;
        };
        page.language = &language.tag;
        let rule_number = self.rules.iter().position(|rule| is_for(rule, facts));
        let rule = rule_number.and_then(|at| self.rules.get(at));
        let named = || self.template(rule?.template.as_ref()?.as_bytes());
        let own_number = facts.page.or_else(named);
        let own = own_number.and_then(|at| self.own.get(at));
        let shown = Shown::new(facts, &self.expose);
        let words = Words {
            languages: &self.languages,
            language,
            page: rule.map_or(&[], |rule| &rule.strings),
        };
        let scope = Scope::new(&shown, words);
        let fill = |built_in: &Program, own: Option<&Program>| {
            // A number for each template: two for the forms of each of the operator's own.
            let own_number = own_number.filter(|_| own.is_some());
            let number = own_number.map_or(0, |at| at.wrapping_add(1));
            let is_text = facts.format == Format::Text;
            let template = number.wrapping_mul(2).wrapping_add(usize::from(is_text));
            let kind = Kind::new(template, rule_number, facts.language, &shown);
            self.kept.page(own.unwrap_or(built_in), kind, &scope)
        };
        match facts.format {
            Format::Html => {
                let html = own.and_then(|own| own.html.as_ref());
                let csp = match html {
                    Some(html) => &html.csp,
                    None if shown.auto.is_none() => &self.still_csp,
                    None => &self.html.csp,
                };
                page.content_type = Some("text/html; charset=utf-8");
                page.csp = csp.as_deref();
                page.body = fill(&self.html.program, html.map(|html| &*html.program));
            }
            Format::Problem => {
                let members = own.and_then(|own| own.members.as_ref());
                page.content_type = Some("application/problem+json; charset=utf-8");
                page.body = self.problem.render(&scope, members);
            }
            Format::Text => {
                let text = own.and_then(|own| own.text.as_deref());
                page.content_type = Some("text/plain; charset=utf-8");
                page.body = fill(&self.text, text);
            }
            Format::Line => {
                page.content_type = Some("text/plain; charset=utf-8");
                page.body = line(&shown);
            }
            Format::Grpc => {
                let message = scope.message();
                page.headers = grpc::headers(message, facts.retry_after_ms);
                page.body = message.as_bytes().to_vec();
            }
            Format::Empty => {}
        }
        page
    }
}

/// What was read from the source when the configuration was checked; a configuration that was made
/// by hand is read here.
fn program(env: &Env, syntax: Syntax, source: &Option<TemplateSource>) -> Option<Arc<Program>> {
    let source = source.as_ref()?;
    match &source.program {
        Some(program) => Some(program.clone()),
        None => env.read(syntax, &source.text).ok().map(Arc::new),
    }
}

/// One line: `503 Service Unavailable (circuit_open)`.
fn line(shown: &Shown<'_>) -> Vec<u8> {
    let mut body = Body::with_capacity(96);
    body.number(u64::from(shown.status))
        .markup(" ")
        .markup(phrase::status_phrase(shown.status))
        .markup(" (")
        .markup(shown.reason.as_str())
        .markup(")\n");
    body.into_bytes()
}

/// Whether a rule of `pages` is for this failure.
fn is_for(rule: &PageRule, facts: &PageFacts<'_>) -> bool {
    let wanted = &rule.matches;
    let host = without_port(facts.host);
    let any_host = || {
        let mut hosts = wanted.hosts.iter();
        hosts.any(|host_pattern| host_pattern.matches_ignore_case(host))
    };
    (wanted.statuses.is_empty() || wanted.statuses.contains(facts.status))
        && (wanted.reasons.is_empty() || wanted.reasons.contains(&facts.reason))
        && (wanted.hosts.is_empty() || any_host())
        && without_query(facts.path).starts_with(wanted.path_prefix.as_bytes())
        && (wanted.routes.is_empty() || wanted.routes.iter().any(|name| name.matches(facts.route)))
}
