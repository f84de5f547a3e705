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
mod html;
mod locales;
mod phrase;
mod problem;
mod shown;
mod text;
mod time;
mod when;
mod words;

#[cfg(test)]
mod tests;

use crate::config::{Config, Exposed, Maintenance, PageRetry};
use crate::negotiate::Format;
use crate::reason::{Reason, Source};

pub use grpc::STATUS_UNAVAILABLE as GRPC_STATUS_UNAVAILABLE;

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

/// All pages of a configuration, ready to be rendered.
#[derive(Debug)]
pub struct Pages {
    words: words::Words,
    html: html::HtmlPage,
    csp: Option<String>,
    /// The policy of a page that comes back by itself.
    csp_auto: Option<String>,
    problem: problem::Problem,
    expose: Vec<Exposed>,
}

impl Pages {
    /// Prepares the pages of `config`.
    pub fn new(config: &Config) -> Self {
        let words = words::Words::new(locales::of(&config.locales.default));
        let html = html::HtmlPage::new(&config.brand, &words);
        Self {
            csp: csp::policy(&config.security, &[html.style()], &[]),
            csp_auto: csp::policy(
                &config.security,
                &[html.style()],
                &[auto::SCRIPT.as_bytes()],
            ),
            problem: problem::Problem::new(&config.formats.problem_type_base),
            expose: config.security.expose.clone(),
            words,
            html,
        }
    }

    /// Makes the page for `facts`.
    pub fn render(&self, facts: &PageFacts<'_>) -> Page<'_> {
        let shown = shown::Shown::new(facts, &self.expose);
        let mut page = Page {
            content_type: None,
            csp: None,
            language: self.words.tag,
            headers: Vec::new(),
            body: Vec::new(),
        };
        match facts.format {
            Format::Html => {
                page.content_type = Some("text/html; charset=utf-8");
                let csp = match shown.auto {
                    Some(_) => &self.csp_auto,
                    None => &self.csp,
                };
                page.csp = csp.as_deref();
                page.body = self.html.render(&self.words, &shown);
            }
            Format::Problem => {
                page.content_type = Some("application/problem+json; charset=utf-8");
                page.body = self.problem.render(&self.words, &shown);
            }
            Format::Text => {
                page.content_type = Some("text/plain; charset=utf-8");
                page.body = text::render(&self.words, &shown);
            }
            Format::Line => {
                page.content_type = Some("text/plain; charset=utf-8");
                page.body = text::line(&shown);
            }
            Format::Grpc => {
                let message = self.words.reason(facts.reason).message;
                page.headers = grpc::headers(message, facts.retry_after_ms);
                page.body = message.as_bytes().to_vec();
            }
            Format::Empty => {}
        }
        page
    }
}
