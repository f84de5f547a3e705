//! Renders every page of a configuration: for each rule or template, reason, language and form.

use serde_json::json;
use std::time::Duration;

use tidegate_core::config::{Config, Maintenance};
use tidegate_core::failure::{Reason, Source};
use tidegate_core::http::format::Format;
use tidegate_core::page::{Gate, PageInfo, Pages};
use tidegate_core::retry::{hint, FailureInfo};
use tidegate_core::time::Timestamp;

use crate::http::Response;

/// The time that pages show: constant, so that two previews differ only if the pages do.
const NOW_MS: u64 = 1_787_652_930_000;
const REQUEST_ID: &[u8] = b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11";

/// A form of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Html,
    Problem,
    ProblemXml,
    Text,
    Markdown,
    Line,
    Grpc,
    Connect,
}

impl Form {
    pub(super) const ALL: [Form; 8] = [
        Form::Html,
        Form::Problem,
        Form::ProblemXml,
        Form::Text,
        Form::Markdown,
        Form::Line,
        Form::Grpc,
        Form::Connect,
    ];

    /// Returns the name of the form, which is also its file extension.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Form::Html => "html",
            Form::Problem => "json",
            Form::ProblemXml => "xml",
            Form::Text => "txt",
            Form::Markdown => "md",
            Form::Line => "line.txt",
            Form::Grpc => "grpc.txt",
            Form::Connect => "connect.json",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.extension() == text)
    }

    fn format(self) -> Format {
        match self {
            Form::Html => Format::Html,
            Form::Problem => Format::Problem,
            Form::ProblemXml => Format::ProblemXml,
            Form::Text => Format::Text,
            Form::Markdown => Format::Markdown,
            Form::Line => Format::Line,
            Form::Grpc => Format::Grpc,
            Form::Connect => Format::Connect,
        }
    }
}

/// The method of the request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

impl Method {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "get" => Some(Method::Get),
            "post" => Some(Method::Post),
            _ => None,
        }
    }
}

/// A page: the result of a rule, or a template as a route selects it.
#[derive(Debug)]
pub(super) struct Sample {
    /// Its name in URLs.
    pub(super) slug: String,
    label: String,
    /// The reasons for which it can be served.
    pub(super) reasons: Vec<&'static str>,
    host: String,
    path: String,
    route: String,
    template: Option<usize>,
}

/// A rendered page.
#[derive(Debug)]
pub(super) struct Made {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Made {
    /// Returns the response; `framed`: for the gallery.
    pub(super) fn response(self, framed: bool) -> Response {
        let mut headers = self.headers;
        headers.push(("cache-control", "no-store".to_owned()));
        if framed {
            for (name, value) in &mut headers {
                match *name {
                    "content-security-policy" => *value = framable(value),
                    // Otherwise some browsers would download it.
                    "content-type" if !value.starts_with("text/html") => {
                        *value = "text/plain; charset=utf-8".to_owned();
                    }
                    _ => {}
                }
            }
        }
        Response {
            status: self.status,
            headers,
            body: self.body,
        }
    }
}

/// Returns the policy, changed so that the gallery may frame the page.
fn framable(policy: &str) -> String {
    let others = policy
        .split(';')
        .map(str::trim)
        .filter(|part| !part.starts_with("frame-ancestors") && !part.is_empty());
    let mut parts: Vec<&str> = others.collect();
    parts.push("frame-ancestors 'self'");
    parts.join("; ")
}

/// Everything that a configuration renders.
#[derive(Debug)]
pub(super) struct Cases {
    config: Config,
    pages: Pages,
    samples: Vec<Sample>,
    maintenance: Maintenance,
}

impl Cases {
    pub(super) fn new(config: Config) -> Self {
        let pages = Pages::new(&config);
        let maintenance = config
            .routes
            .iter()
            .find_map(|rule| rule.maintenance.clone());
        Self {
            samples: samples(&config, &pages),
            pages,
            maintenance: maintenance.unwrap_or(Maintenance {
                until: Some(Timestamp::from_secs(NOW_MS / 1000 + 7_200)),
                message: None,
            }),
            config,
        }
    }

    pub(super) fn pages(&self) -> &[Sample] {
        &self.samples
    }

    pub(super) fn languages(&self) -> Vec<String> {
        self.pages.languages().map(str::to_owned).collect()
    }

    /// Returns the forms in which a page differs after a POST.
    pub(super) fn differing(&self, sample: &Sample) -> Vec<Form> {
        let body = |reason: &str, method, form| {
            let language = &self.config.locales.default;
            let made = self.make(&sample.slug, reason, language, method, form);
            made.map(|made| made.body)
        };
        let differs = |form: &Form| {
            let mut reasons = sample.reasons.iter();
            reasons
                .any(|reason| body(reason, Method::Get, *form) != body(reason, Method::Post, *form))
        };
        Form::ALL.into_iter().filter(differs).collect()
    }

    /// Returns the data of the gallery as JSON that can be part of a script block.
    pub(super) fn state(&self, live: bool, version: u64, wrong: &str) -> String {
        let pages = self.samples.iter().map(|sample| {
            // A live gallery requests each form on demand.
            let posts = match live {
                true => Vec::new(),
                false => self.differing(sample),
            };
            let posts: Vec<_> = posts.into_iter().map(Form::extension).collect();
            json!({
                "slug": sample.slug, "label": sample.label, "reasons": sample.reasons,
                "posts": posts,
            })
        });
        let state = json!({
            "live": live,
            "version": version,
            "wrong": wrong,
            "pages": pages.collect::<Vec<_>>(),
            "languages": self.languages(),
            "language": self.config.locales.default,
            "forms": Form::ALL.map(Form::extension),
        });
        state.to_string().replace('<', "\\u003c")
    }

    /// Renders a page; `None` if it does not exist.
    pub(super) fn make(
        &self,
        slug: &str,
        reason: &str,
        language: &str,
        method: Method,
        form: Form,
    ) -> Option<Made> {
        let sample = self.samples.iter().find(|sample| sample.slug == slug)?;
        let reason = Reason::from_token(reason)?;
        let is_known = |tag: &str| self.pages.languages().any(|known| known == tag);
        if !sample.reasons.contains(&reason.as_str()) || !is_known(language) {
            return None;
        }
        let policy = &self.config.policy;
        let failed = envoy_status(reason);
        let wait = hint(
            &policy.retry,
            &FailureInfo {
                status: failed,
                remaining: (reason == Reason::CircuitOpen).then_some(policy.breaker.open.base),
                is_limit: false,
                retry_after: None,
                now: Some(Timestamp::from_millis(NOW_MS)),
            },
            Duration::ZERO,
            // The same for each preview: in the middle of what is possible.
            0.5,
        );
        let wait = reason.is_retryable().then_some(wait);
        let status = served_status(&self.config, reason);
        let page = self.pages.render(&PageInfo {
            format: form.format(),
            status,
            reason,
            source: source(reason),
            tripped_by: (reason == Reason::CircuitOpen).then_some(Reason::ConnectionRefused),
            maintenance: (reason == Reason::Maintenance).then_some(&self.maintenance),
            retry_after: wait.map(|wait| wait.delay()),
            page_retry: Some(&policy.retry.page),
            gate: (reason == Reason::CircuitOpen).then_some(Gate::Wait),
            request_id: Some(REQUEST_ID),
            now: Some(Timestamp::from_millis(NOW_MS)),
            method: match method {
                Method::Get => b"GET",
                Method::Post => b"POST",
            },
            content_type: b"",
            host: sample.host.as_bytes(),
            path: sample.path.as_bytes(),
            language: self.pages.language_of_tag(language),
            route: sample.route.as_bytes(),
            page: sample.template,
        });
        let mut headers = Vec::new();
        let kind = page.content_type.unwrap_or("text/plain; charset=utf-8");
        headers.push(("content-type", kind.to_owned()));
        headers.push(("content-language", page.language.to_owned()));
        headers.extend(
            page.csp
                .map(|csp| ("content-security-policy", csp.to_owned())),
        );
        headers.extend(wait.map(|wait| ("retry-after", wait.seconds().to_string())));
        headers.extend(page.headers);
        Some(Made {
            status: page.status,
            headers,
            body: page.body,
        })
    }
}

/// Returns the status that Envoy would have sent.
fn envoy_status(reason: Reason) -> u16 {
    match reason {
        Reason::UpstreamError => 500,
        Reason::UpstreamBadGateway | Reason::HttpProtocolError => 502,
        Reason::UpstreamTimeout | Reason::HttpResponseTimeout => 504,
        Reason::DestinationNotFound => 404,
        Reason::ProxyConfigurationError => 500,
        Reason::Unauthorized => 401,
        Reason::Forbidden | Reason::AuthorizationUnavailable => 403,
        Reason::RateLimited => 429,
        _ => 503,
    }
}

fn served_status(config: &Config, reason: Reason) -> u16 {
    let rule = config.policy.intercept.status;
    rule.status(reason, envoy_status(reason))
}

fn source(reason: Reason) -> Source {
    match reason {
        Reason::UpstreamError
        | Reason::UpstreamBadGateway
        | Reason::UpstreamUnavailable
        | Reason::UpstreamTimeout => Source::Upstream,
        _ => Source::Proxy,
    }
}

/// Returns every page of a configuration.
fn samples(config: &Config, pages: &Pages) -> Vec<Sample> {
    // A truncated response cannot be replaced.
    let all = Reason::ALL
        .iter()
        .filter(|reason| **reason != Reason::HttpResponseIncomplete);
    let plain = |slug: &str, label: String| Sample {
        slug: slug.to_owned(),
        label,
        reasons: all.clone().map(|reason| reason.as_str()).collect(),
        host: "shop.example".to_owned(),
        path: "/basket".to_owned(),
        route: String::new(),
        template: None,
    };
    let mut samples = vec![plain("page", "what a visitor gets".to_owned())];
    for (number, rule) in config.pages.iter().enumerate() {
        let fits = |reason: &&Reason| {
            let status = served_status(config, **reason);
            (rule.matches.reasons.is_empty() || rule.matches.reasons.contains(reason))
                && (rule.matches.statuses.is_empty() || rule.matches.statuses.contains(status))
        };
        let one = |patterns: &[tidegate_core::config::Pattern], default: &str| {
            let first = patterns.first().map(|pattern| pattern.as_str());
            first.map_or(default.to_owned(), |text| text.replace('*', "shop"))
        };
        let template = rule.template.as_deref().unwrap_or("the built-in page");
        let mut sample = plain(
            &format!("rule-{number}"),
            format!("pages[{number}]: {template}"),
        );
        sample.reasons = all
            .clone()
            .filter(fits)
            .map(|reason| reason.as_str())
            .collect();
        sample.host = one(&rule.matches.hosts, "shop.example");
        sample.route = one(&rule.matches.routes, "");
        if !rule.matches.path_prefix.is_empty() {
            sample.path.clone_from(&rule.matches.path_prefix);
        }
        samples.push(sample);
    }
    for (name, _) in &config.templates {
        let mut sample = plain(&format!("template-{name}"), format!("templates.{name}"));
        sample.template = pages.template(name.as_bytes());
        samples.push(sample);
    }
    samples
}
