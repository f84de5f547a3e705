//! Pages: what a client gets instead of a failure, in each format.
//!
//! When a site fails, many people look at its page at once, and some of what the page shows was written
//! by clients (request ids, paths). Therefore everything that the configuration determines is prepared
//! once ([`Pages::new`]). [`Pages::render`] copies it into one buffer together with the values of the
//! request. Each value is escaped for its position (`template::escape`), and shown only if the
//! configuration exposes it.

mod bindings;
mod brand_pages;
mod builtin;
mod coarse_duration;
mod csp;
mod date;
mod exposed;
mod formats;
mod kind;
mod languages;
mod locales;
mod members;
mod messages;
mod names;
mod palette;
mod plural;
mod specialized;
mod status_phrase;
mod template_names;
mod validate;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::config::{BrandMatch, Config, Exposed, Maintenance, PageRetry, PageRule};
use crate::failure::{Reason, Source};
use crate::http::format::Format;
use crate::http::headers::HeaderBlock;
use crate::http::uri::{without_port, without_query};
use crate::template::{Output, Syntax};
use crate::time::Timestamp;
use bindings::{Bindings, BoundTemplate};
use brand_pages::BrandPages;
use coarse_duration::CoarseDuration;
use exposed::ExposedValues;
use formats::problem::Problem;
use formats::{connect, grpc, grpc_web, line, markdown, problem, problem_xml};
use messages::{Messages, Texts};
use specialized::{SpecializedPages, TemplateId};

pub(crate) use formats::grpc::message_header as grpc_message;
pub(crate) use formats::CallStatus;
pub use languages::LanguageId;
pub use messages::placeholder;
pub use names::{Name, NAMES};
pub use words::{placeholder_doc, words, Word};

/// Room for the values of a page.
const VALUES_BYTES: usize = 1600;

/// The state of a circuit that is not closed, as far as it matters to a client who waits. The page has it
/// in `data-gate`; its script gets the current one in the header `x-tidegate-gate` of each check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// The client has to wait.
    Wait,
    /// The client has to wait, as many others do, and they are let in step by step.
    Crowd,
}

impl Gate {
    /// Returns the value of `data-gate` and of the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Crowd => "crowd",
        }
    }
}

/// Everything that a page can be made from. Client input is unchanged here: a page validates or escapes
/// it by position, and shows it only if the configuration exposes it.
#[derive(Debug, Clone)]
pub struct PageInfo<'a> {
    /// The format of the page.
    pub format: Format,
    /// The status that the page is served with.
    pub status: u16,
    /// Why the request failed.
    pub reason: Reason,
    /// Where the failing response came from.
    pub source: Source,
    /// Why the circuit opened, if it is open.
    pub tripped_by: Option<Reason>,
    /// The maintenance, if that is the reason.
    pub maintenance: Option<&'a Maintenance>,
    /// After what time to try again; `None` if that does not help.
    pub retry_after: Option<Duration>,
    /// How the page retries automatically; `None` if it does not.
    pub page_retry: Option<&'a PageRetry>,
    /// Whether the request certainly never reached an upstream. It did not if the filter rejects it.
    pub is_unsent: bool,
    /// The state of the circuit; `None` if it is closed.
    pub gate: Option<Gate>,
    /// `x-request-id`, as the client or Envoy wrote it.
    pub request_id: Option<&'a [u8]>,
    /// When the request failed; `None` if that is unknown.
    pub now: Option<Timestamp>,
    /// `:method`.
    pub method: &'a [u8],
    /// `content-type` of the request, which decides how the reply to a call is encoded.
    pub content_type: &'a [u8],
    /// `:authority`.
    pub host: &'a [u8],
    /// `:path`, including the query, which is never shown.
    pub path: &'a [u8],
    /// The language of the page.
    pub language: LanguageId,
    /// The name of the Envoy route; empty if it is unknown.
    pub route: &'a [u8],
    /// The number of the template that the route asks for ([`Pages::template`]).
    pub page: Option<usize>,
    /// The beginning of the `type` of a problem (`formats.problem_type_base`).
    pub problem_type_base: &'a str,
}

/// A rendered page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    /// The HTTP status, which the protocol of a call may prescribe.
    pub status: u16,
    /// `content-type`, with its charset. `None` for a page without a body, and for gRPC, whose content
    /// type Envoy sets.
    pub content_type: Option<&'static str>,
    /// `content-security-policy`, for HTML.
    pub csp: Option<&'a str>,
    /// `content-language`.
    pub language: &'a str,
    /// Further headers of the format: those of gRPC; those of gRPC-Web, which its body has too.
    pub headers: Vec<(&'static str, String)>,
    /// The body. For gRPC the message, which Envoy percent-encodes.
    pub body: Vec<u8>,
}

/// All pages of a configuration, ready to be rendered.
#[derive(Debug)]
pub struct Pages {
    languages: languages::Languages,
    /// The pages of `brand`.
    usual: BrandPages,
    /// The pages of `brands`.
    of_hosts: Vec<(BrandMatch, BrandPages)>,
    /// The templates for kinds of pages, made when they are first needed.
    specialized: SpecializedPages,
    /// The names of the operator's own pages.
    own: Vec<String>,
    /// The rules, with their texts.
    rules: Vec<(PageRule, Texts)>,
    expose: Vec<Exposed>,
}

impl Pages {
    /// Prepares the pages of a configuration.
    pub fn new(config: &Config) -> Self {
        let languages = languages::Languages::new(&config.locales);
        let of_hosts = (1..).zip(&config.brands).map(|(number, rule)| {
            let pages = BrandPages::new(config, &rule.brand, number);
            (rule.matches.clone(), pages)
        });
        let rules = config.pages.iter().map(|rule| {
            let texts = Texts::configured(&rule.strings);
            (rule.clone(), texts)
        });
        Self {
            usual: BrandPages::new(config, &config.brand, 0),
            of_hosts: of_hosts.collect(),
            specialized: SpecializedPages::default(),
            languages,
            own: config
                .templates
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            rules: rules.collect(),
            expose: config.security.expose.clone(),
        }
    }

    /// Returns the language that a request asks for (RFC 4647 §3.4), or the configured default.
    pub fn language(&self, request: &HeaderBlock) -> LanguageId {
        self.languages.of_request(request)
    }

    /// Returns the language for a tag, or the configured default.
    pub fn language_of_tag(&self, tag: &str) -> LanguageId {
        self.languages.of_tag(tag)
    }

    /// Returns the tags of all languages, built in and configured.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.tags()
    }

    /// Returns the number of the template with this name.
    pub fn template(&self, name: &[u8]) -> Option<usize> {
        self.own.iter().position(|own| own.as_bytes() == name)
    }

    /// Returns whether the choice of a page depends on the Envoy route.
    pub(crate) fn asks_for_routes(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|(rule, _)| !rule.matches.routes.is_empty())
    }

    /// Renders the page for a failure.
    pub fn render(&self, info: &PageInfo<'_>) -> Page<'_> {
        let mut page = Page {
            status: info.status,
            content_type: None,
            csp: None,
            language: "",
            headers: Vec::new(),
            body: Vec::new(),
        };
        let Some(language) = self.languages.get(info.language) else {
            return page;
        };
        page.language = &language.tag;
        let rule_number = self.rules.iter().position(|(rule, _)| applies(rule, info));
        let rule = rule_number.and_then(|number| self.rules.get(number));
        let brand = self.brand(info.host);
        let own_number = self.own_page(info.page, rule.map(|(rule, _)| rule));
        let values = ExposedValues::new(info, &self.expose, brand.home_url.as_deref());
        let own = own_number.and_then(|number| brand.own.get(number));
        let messages = Messages {
            languages: &self.languages,
            language,
            page: rule.map(|(_, texts)| texts),
            notice: info
                .maintenance
                .and_then(|maintenance| maintenance.message.as_ref()),
        };
        let bindings = Bindings::new(&values, messages);
        let render = |syntax, template: &BoundTemplate| {
            let id = TemplateId {
                brand: brand.number,
                own: own_number,
                syntax,
                rule: rule_number,
                language: self.languages.number(info.language),
            };
            let specialized = self.specialized.get(id, template, &bindings.of_kind);
            render(specialized.as_deref().unwrap_or(template), &bindings)
        };
        let problem = Problem::new(info.problem_type_base);
        let call = CallStatus::of(info.reason);
        match info.format {
            Format::Html => {
                let html = own.and_then(|own| own.html.as_ref());
                let csp = match html {
                    Some(html) => &html.csp,
                    None if values.kind.auto_retry.is_none() => &brand.csp_without_script,
                    None => &brand.html.csp,
                };
                page.content_type = Some("text/html; charset=utf-8");
                page.csp = csp.as_deref();
                let html = html.unwrap_or(&brand.html);
                page.body = render(Syntax::Html, &html.template);
            }
            Format::Problem => {
                let members = own.and_then(|own| own.members.as_ref());
                page.content_type = Some(problem::CONTENT_TYPE);
                page.body = problem.render(&bindings, members).into_bytes();
            }
            Format::Text => {
                let text = own.and_then(|own| own.text.as_ref());
                page.content_type = Some("text/plain; charset=utf-8");
                page.body = render(Syntax::Text, text.unwrap_or(&brand.text));
            }
            Format::Line => {
                page.content_type = Some("text/plain; charset=utf-8");
                page.body = line::render(&values).into_bytes();
            }
            Format::ProblemXml => {
                page.content_type = Some(problem_xml::CONTENT_TYPE);
                page.body = problem_xml::render(problem, &bindings).into_bytes();
            }
            Format::Markdown => {
                page.content_type = Some(markdown::CONTENT_TYPE);
                page.body = markdown::render(problem, &bindings).into_bytes();
            }
            Format::Grpc => {
                let message = bindings.of_kind.message();
                page.headers = grpc::headers(call, message, info.retry_after);
                page.body = message.as_bytes().to_vec();
            }
            Format::GrpcWeb => {
                let message = bindings.of_kind.message();
                let more = grpc::headers(call, message, info.retry_after);
                page.status = 200;
                page.content_type = Some(grpc_web::content_type(info.content_type));
                page.headers = grpc_web::headers(call, message, more);
                page.body = grpc_web::body(info.content_type, &page.headers);
            }
            Format::Connect => {
                page.status = call.http;
                page.content_type = Some(connect::CONTENT_TYPE);
                page.body = connect::unary(call, bindings.of_kind.message(), info.retry_after);
            }
            Format::ConnectStream => {
                page.status = 200;
                page.content_type = Some(connect::stream_content_type(info.content_type));
                page.body =
                    connect::end_of_stream(call, bindings.of_kind.message(), info.retry_after);
            }
            Format::Empty => {}
        }
        page
    }

    /// Returns the pages of the first brand whose rule matches a host.
    fn brand(&self, host: &[u8]) -> &BrandPages {
        if self.of_hosts.is_empty() {
            return &self.usual;
        }
        let host = without_port(host);
        let mut brands = self.of_hosts.iter();
        let brand = brands.find(|(matches, _)| matches.matches(host));
        brand.map_or(&self.usual, |(_, pages)| pages)
    }

    /// Returns the number of the operator's own page that the route asks for, or else the rule.
    fn own_page(&self, number: Option<usize>, rule: Option<&PageRule>) -> Option<usize> {
        let named = || self.template(rule?.template.as_ref()?.as_bytes());
        number.or_else(named)
    }
}

fn render(template: &BoundTemplate, bindings: &Bindings<'_>) -> Vec<u8> {
    let room = template.template().text_len().saturating_add(VALUES_BYTES);
    let mut out = Output::with_capacity(room);
    template.render(bindings, &mut out);
    out.into_string().into_bytes()
}

/// Returns whether a rule of `pages` applies to a failure.
fn applies(rule: &PageRule, info: &PageInfo<'_>) -> bool {
    let wanted = &rule.matches;
    let host = without_port(info.host);
    let matches_host = || {
        let mut hosts = wanted.hosts.iter();
        hosts.any(|pattern| pattern.matches_host(host))
    };
    (wanted.statuses.is_empty() || wanted.statuses.contains(info.status))
        && (wanted.reasons.is_empty() || wanted.reasons.contains(&info.reason))
        && (wanted.hosts.is_empty() || matches_host())
        && without_query(info.path).starts_with(wanted.path_prefix.as_bytes())
        && (wanted.routes.is_empty() || wanted.routes.iter().any(|name| name.matches(info.route)))
}
