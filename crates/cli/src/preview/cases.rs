//! Renders every page of a configuration: for each rule or template, reason, language and form.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tidegate_core::config::{Config, Maintenance, Pattern};
use tidegate_core::failure::{Reason, Source};
use tidegate_core::filter::Sample as FailedRequest;
use tidegate_core::filter_config::FilterConfig;
use tidegate_core::http::format::Format;
use tidegate_core::http::headers::HeaderBlock;
use tidegate_core::page::Pages;
use tidegate_core::policy::RouteInfo;
use tidegate_core::time::Timestamp;

use crate::findings::{Findings, Severity};
use crate::http::Response;
use crate::source::Node;

/// A maintenance without an end in the configuration lasts this much longer.
const MAINTENANCE: Duration = Duration::from_secs(2 * 3600);
const REQUEST_ID: &str = "6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11";

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

    fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
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
    /// The template that the route names in its metadata.
    template: Option<String>,
}

/// Which variant of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant<'v> {
    pub(super) reason: &'v str,
    pub(super) language: &'v str,
    pub(super) method: Method,
    pub(super) form: Form,
}

/// A rendered page: what the filter would send.
#[derive(Debug)]
pub(super) struct Made {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    form: Form,
}

impl Made {
    /// Returns the body for people: JSON is indented.
    pub(super) fn readable(&self) -> Vec<u8> {
        let is_json = matches!(self.form, Form::Problem | Form::Connect);
        let json = is_json.then(|| serde_json::from_slice::<Node>(&self.body));
        match json {
            Some(Ok(json)) => json.to_json().into_bytes(),
            _ => self.body.clone(),
        }
    }

    /// Returns the status and the headers as text.
    pub(super) fn head(&self) -> String {
        let lines = self.headers.iter();
        lines
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect()
    }

    /// Returns the response; `framed`: for the gallery.
    pub(super) fn response(self, framed: bool) -> Response {
        let body = match framed {
            true => self.readable(),
            false => self.body,
        };
        let mut status = 200;
        let mut headers: Vec<(Cow<'static, str>, String)> = Vec::new();
        for (name, value) in self.headers {
            match name.as_str() {
                ":status" => status = value.parse().unwrap_or(status),
                // The server adds it.
                "content-length" => {}
                _ => headers.push((name.into(), value)),
            }
        }
        if framed {
            for (name, value) in &mut headers {
                match &**name {
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
            status,
            headers,
            body,
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
    config: FilterConfig,
    pages: Pages,
    samples: Vec<Sample>,
}

impl Cases {
    pub(super) fn new(config: Config) -> Self {
        let pages = Pages::new(&config);
        Self {
            samples: samples(&config),
            pages,
            config: FilterConfig::new(config),
        }
    }

    pub(super) fn pages(&self) -> &[Sample] {
        &self.samples
    }

    pub(super) fn languages(&self) -> Vec<String> {
        self.pages.languages().map(str::to_owned).collect()
    }

    /// Returns the language of visitors who ask for none.
    pub(super) fn default_language(&self) -> &str {
        &self.config.config().locales.default
    }

    /// Returns the forms in which a page differs after a POST.
    pub(super) fn differing(&self, sample: &Sample, now: Timestamp) -> Vec<Form> {
        let body = |reason: &str, method, form| {
            let variant = Variant {
                reason,
                language: self.default_language(),
                method,
                form,
            };
            let made = self.make(&sample.slug, variant, now);
            made.map(|made| made.body)
        };
        let differs = |form: &Form| {
            let mut reasons = sample.reasons.iter();
            reasons
                .any(|reason| body(reason, Method::Get, *form) != body(reason, Method::Post, *form))
        };
        Form::ALL.into_iter().filter(differs).collect()
    }

    /// Returns the data of the gallery as JSON that can be part of a script block. `found`: what is wrong
    /// with the source.
    pub(super) fn state(&self, contents: &Contents<'_>, found: &Findings) -> String {
        let (mut wrong, mut warnings) = (Vec::new(), Vec::new());
        for finding in &found.list {
            match finding.severity {
                Severity::Error => wrong.push(finding.to_string()),
                Severity::Warning => warnings.push(finding.to_string()),
            }
        }
        let pages = self.samples.iter().map(|sample| {
            // A live gallery requests each form on demand.
            let posts = match contents {
                Contents::Live { .. } => Vec::new(),
                Contents::Written { now, .. } => self.differing(sample, *now),
            };
            let posts: Vec<_> = posts.into_iter().map(Form::extension).collect();
            json!({
                "slug": sample.slug, "label": sample.label, "reasons": sample.reasons,
                "posts": posts,
            })
        });
        let (version, languages, heads) = match contents {
            Contents::Live { version } => (*version, self.languages(), None),
            Contents::Written {
                languages, heads, ..
            } => (0, languages.to_vec(), Some(heads)),
        };
        let default = self.default_language().to_owned();
        let state = json!({
            "version": version,
            "wrong": wrong.join("\n"),
            "warnings": warnings.join("\n"),
            "pages": pages.collect::<Vec<_>>(),
            "language": languages.iter().find(|tag| **tag == default).or(languages.first()),
            "languages": languages,
            "forms": Form::ALL.map(Form::extension),
            "heads": heads,
        });
        state.to_string().replace('<', "\\u003c")
    }

    /// Renders a page for a request that fails now; `None` if it does not exist.
    pub(super) fn make(&self, slug: &str, variant: Variant<'_>, now: Timestamp) -> Option<Made> {
        let Variant {
            language,
            method,
            form,
            ..
        } = variant;
        let sample = self.samples.iter().find(|sample| sample.slug == slug)?;
        let reason = Reason::from_token(variant.reason)?;
        let is_known = |tag: &str| self.pages.languages().any(|known| known == tag);
        if !sample.reasons.contains(&reason.as_str()) || !is_known(language) {
            return None;
        }
        let request = HeaderBlock::from_pairs(&[
            (":method", method.name()),
            (":path", &sample.path),
            (":authority", &sample.host),
            ("accept-language", language),
            ("x-request-id", REQUEST_ID),
        ]);
        let page = sample.template.iter().map(|name| ("page", name));
        let route = RouteInfo {
            route: sample.route.clone().into_bytes(),
            metadata: HeaderBlock::from_pairs(&page.collect::<Vec<_>>()),
            ..RouteInfo::default()
        };
        let (headers, body) = FailedRequest {
            request: &request,
            route: &route,
            format: form.format(),
            reason,
            source: source(reason),
            status: envoy_status(reason),
            maintenance: &self.maintenance(now),
            now,
            // In the middle of what is possible.
            unit: 0.5,
        }
        .reply(&self.config);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = headers
            .iter()
            .map(|(name, value)| (text(name), text(value)));
        Some(Made {
            headers: headers.collect(),
            body,
            form,
        })
    }

    /// Returns a maintenance for pages of routes that have none: that of another route, if there is one.
    fn maintenance(&self, now: Timestamp) -> Maintenance {
        let rules = 1..=self.config.config().routes.len();
        let mut all = rules.filter_map(|number| self.config.maintenance(number, now));
        all.next().cloned().unwrap_or(Maintenance {
            until: Some(now.saturating_add(MAINTENANCE)),
            message: None,
        })
    }
}

/// What the data of the gallery is for.
pub(super) enum Contents<'c> {
    /// A server, which makes the pages on demand.
    Live { version: u64 },
    /// A folder with the pages in these languages, and their status and headers.
    Written {
        languages: &'c [String],
        heads: &'c BTreeMap<String, String>,
        now: Timestamp,
    },
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
        Reason::ClientError => 400,
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
fn samples(config: &Config) -> Vec<Sample> {
    // A truncated response cannot be replaced.
    let all = Reason::ALL
        .iter()
        .filter(|reason| **reason != Reason::HttpResponseIncomplete);
    let plain = |slug: &str, label: String| Sample {
        slug: slug.to_owned(),
        label,
        reasons: all.clone().map(|reason| reason.as_str()).collect(),
        host: host_without_brand(config),
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
        sample.host = one_of(&rule.matches.hosts, &sample.host);
        sample.route = one_of(&rule.matches.routes, "");
        if !rule.matches.path_prefix.is_empty() {
            sample.path.clone_from(&rule.matches.path_prefix);
        }
        samples.push(sample);
    }
    let templates = |samples: &mut Vec<Sample>, slug: &str, label: &str, host: Option<&str>| {
        for (name, _) in &config.templates {
            let slug = format!("{slug}template-{name}");
            let mut sample = plain(&slug, format!("{label}templates.{name}"));
            sample.template = Some(name.clone());
            sample.host = host.map_or(sample.host, str::to_owned);
            samples.push(sample);
        }
    };
    templates(&mut samples, "", "", None);
    for (number, rule) in config.brands.iter().enumerate() {
        let (slug, label) = (format!("brand-{number}"), format!("brands[{number}]"));
        let mut sample = plain(&slug, String::new());
        sample.host = one_of(&rule.matches.hosts, &sample.host);
        sample.label = format!("{label}: what a visitor of {} gets", sample.host);
        let host = sample.host.clone();
        samples.push(sample);
        templates(
            &mut samples,
            &format!("{slug}-"),
            &format!("{label}: "),
            Some(&host),
        );
    }
    samples
}

/// Returns a text that the first of these patterns matches, or else a default.
fn one_of(patterns: &[Pattern], default: &str) -> String {
    let first = patterns.first().map(|pattern| pattern.as_str());
    first.map_or(default.to_owned(), |text| text.replace('*', "shop"))
}

/// Returns a host that has the brand of the top level, unless every host has one of `brands`.
fn host_without_brand(config: &Config) -> String {
    let is_free = |host: &&str| {
        let mut brands = config.brands.iter();
        brands.all(|rule| !rule.matches.matches(host.as_bytes()))
    };
    let host = ["shop.example", "any.test", "any.invalid"]
        .into_iter()
        .find(is_free);
    host.unwrap_or("shop.example").to_owned()
}
