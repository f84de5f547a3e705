//! Makes the typed configuration of a document in which nothing was found wrong.
//!
//! What a reader gives where it has nothing is unreachable then; it is a value of the type all the
//! same, because the filter must not be able to panic.

use alloc::sync::Arc;

use super::json::Json;
use super::view::View;
use super::{table, types::*, value, Pattern};
use crate::page::Program;
use crate::prelude::*;

/// The configuration that a valid document says.
pub(super) fn config(root: View<'_>, programs: Vec<Program>) -> Config {
    let mut programs = programs.into_iter();
    let mut source = |text: String| TemplateSource {
        text,
        program: programs.next().map(Arc::new),
    };
    let mut templates = Vec::new();
    // In the order in which they were checked.
    for (name, json) in root.entries("templates") {
        let view = View::element(table::TEMPLATE, json, None);
        let template = Template {
            html: view.text("html").map(&mut source),
            text: view.text("text").map(&mut source),
            problem: view.entries("problem").to_vec(),
        };
        templates.push((name.clone(), template));
    }
    let templates = in_order(templates, |(a, _), (b, _)| a < b);
    // Loops here and below: a chain that is collected is twice the code.
    let mut routes = Vec::new();
    for json in root.elements("routes") {
        routes.push(route_rule(View::element(table::ROUTE, json, Some(root))));
    }
    let mut pages = Vec::new();
    for json in root.elements("pages") {
        pages.push(page_rule(View::element(table::PAGE, json, None)));
    }
    let delimiters = root.texts("delimiters");
    let delimiter = |index: usize| delimiters.get(index).cloned().unwrap_or_default();
    Config {
        mode: mode(root),
        brand: brand(root.section("brand")),
        policy: policy(root),
        routes,
        templates,
        vars: in_order(strings(root.entries("vars")), |(a, _), (b, _)| a < b),
        pages,
        delimiters: (delimiter(0), delimiter(1)),
        locales: locales(root.section("locales")),
        formats: formats(root.section("formats")),
        headers: headers(root.section("headers")),
        security: security(root.section("security")),
        proxy_status: ProxyStatus {
            name: root.section("proxy_status").string("name"),
            details: root.section("proxy_status").is_on("details"),
        },
        route_metadata: match root.word("route_metadata") {
            Some("always") => RouteMetadata::Always,
            _ => RouteMetadata::OnFailure,
        },
        release_header: root.string("release_header").to_ascii_lowercase(),
    }
}

fn mode(view: View<'_>) -> Mode {
    match view.word("mode") {
        Some("shadow") => Mode::Shadow,
        Some("off") => Mode::Off,
        _ => Mode::Enforce,
    }
}

pub(super) fn brand(view: View<'_>) -> Brand {
    let mut links = Vec::new();
    for json in view.elements("links") {
        let view = View::element(table::LINK, json, None);
        links.push(Link {
            label: view.string("label"),
            url: view.string("url"),
        });
    }
    Brand {
        name: view.string("name"),
        logo: view.text("logo").map(|logo| {
            if logo.starts_with('<') {
                Logo::Svg(logo)
            } else {
                Logo::DataUri(logo)
            }
        }),
        color: view.color("color"),
        color_dark: view.color("color_dark"),
        home_url: view.text("home_url"),
        status_url: view.text("status_url"),
        links,
    }
}

fn policy(view: View<'_>) -> Policy {
    Policy {
        intercept: intercept(view.section("intercept")),
        retry: retry(view.section("retry")),
        breaker: breaker(view.section("breaker")),
    }
}

fn intercept(view: View<'_>) -> Intercept {
    let skip = view.section("skip");
    Intercept {
        statuses: view.statuses("statuses"),
        source: match view.word("source") {
            Some("proxy") => SourceFilter::Proxy,
            Some("upstream") => SourceFilter::Upstream,
            _ => SourceFilter::Any,
        },
        upstream_body: match view.word("upstream_body") {
            Some("replace") => UpstreamBody::Replace,
            Some("keep") => UpstreamBody::Keep,
            _ => UpstreamBody::KeepStructured,
        },
        status: match view.word("status") {
            Some("keep") => StatusRule::Keep,
            _ => StatusRule::Standard,
        },
        skip_paths: skip.patterns("paths"),
        skip_hosts: skip.patterns("hosts"),
        opt_out_header: view.string("opt_out_header").to_ascii_lowercase(),
    }
}

fn retry(view: View<'_>) -> Retry {
    let mut after = Default::default();
    let mut after_by_status = Vec::new();
    for (key, hint, _) in view.after() {
        match value::status(&key) {
            Some(status) => after_by_status.push((status, hint)),
            None => after = hint,
        }
    }
    let after_by_status = in_order(after_by_status, |(a, _), (b, _)| a < b);
    let page = view.section("page");
    Retry {
        after,
        after_by_status,
        honor_upstream: view.is_on("honor_upstream"),
        max: view.time("max"),
        pace: match (view.word("pace"), view.number("pace")) {
            (_, Some(rate)) => Pace::Rate(rate),
            (Some("off"), _) => Pace::Off,
            _ => Pace::Auto,
        },
        page: PageRetry {
            auto: page.is_on("auto"),
            max_attempts: page.whole("max_attempts"),
            cap: page.time("cap"),
        },
    }
}

fn breaker(view: View<'_>) -> Breaker {
    let consecutive = view.section("consecutive");
    let failures = view.section("failures");
    let open = view.section("open");
    let probe = view.section("probe");
    let ramp = view.section("ramp");
    Breaker {
        mode: match view.word("mode") {
            Some("shadow") => BreakerMode::Shadow,
            Some("forced_open") => BreakerMode::ForcedOpen,
            Some("disabled") => BreakerMode::Disabled,
            _ => BreakerMode::Enforce,
        },
        window: view.time("window"),
        min_requests: view.whole("min_requests"),
        failure_ratio: view.ratio("failure_ratio"),
        consecutive_failures: consecutive.whole("failures"),
        consecutive_for: consecutive.time("for"),
        failure_statuses: failures.statuses("statuses"),
        slow: failures.duration("slow"),
        slow_ratio: failures.ratio("slow_ratio"),
        open_base: open.time("base"),
        open_max: open.time("max"),
        open_jitter: open.ratio("jitter"),
        open_honor_retry_after: open.is_on("honor_retry_after"),
        probe_permits: probe.whole("permits"),
        probe_timeout: probe.time("timeout"),
        ramp_duration: ramp.time("duration"),
        ramp_failure_ratio: ramp.ratio("failure_ratio"),
        group: view.text("group"),
    }
}

fn route_rule(view: View<'_>) -> RouteRule {
    let matches = view.section("match");
    let pattern = |key: &str| {
        matches
            .pattern(key)
            .unwrap_or_else(|| Pattern("*".to_owned()))
    };
    RouteRule {
        name: view.string("name"),
        matches: RouteMatch {
            route: pattern("route"),
            virtual_host: pattern("virtual_host"),
            cluster: pattern("cluster"),
            host: pattern("host"),
            path_prefix: matches.string("path_prefix"),
        },
        mode: mode(view),
        policy: policy(view),
        page: view.text("page"),
        maintenance: maintenance(view),
    }
}

fn maintenance(view: View<'_>) -> Option<Maintenance> {
    match view.own("maintenance")? {
        Json::Bool(true) => Some(Maintenance {
            until: None,
            message: None,
        }),
        json @ Json::Object(_) => {
            let view = View::element(table::MAINTENANCE, json, None);
            Some(Maintenance {
                until: view.text("until").and_then(|text| value::date(&text)),
                message: view.text("message"),
            })
        }
        _ => None,
    }
}

fn page_rule(view: View<'_>) -> PageRule {
    let matches = view.section("match");
    PageRule {
        statuses: matches.statuses("statuses"),
        reasons: matches.reasons("reasons"),
        hosts: matches.patterns("hosts"),
        path_prefix: matches.string("path_prefix"),
        routes: matches.patterns("routes"),
        template: view.text("template"),
        strings: strings(view.entries("strings")),
    }
}

fn strings(entries: &[(String, Json)]) -> Vec<(String, String)> {
    let mut strings = Vec::new();
    for (key, json) in entries {
        if let Some(text) = json.text() {
            strings.push((key.clone(), text.to_owned()));
        }
    }
    strings
}

fn locales(view: View<'_>) -> Locales {
    let mut languages = Vec::new();
    for (tag, json) in view.entries("strings") {
        languages.push((tag.clone(), strings(json.entries())));
    }
    Locales {
        default: view.string("default"),
        strings: languages,
    }
}

fn formats(view: View<'_>) -> Formats {
    Formats {
        default: match view.word("default") {
            Some("html") => DefaultFormat::Html,
            Some("problem") => DefaultFormat::Problem,
            _ => DefaultFormat::Text,
        },
        problem_type_base: view.string("problem_type_base"),
        cli_agents: view.texts("cli_agents"),
    }
}

fn headers(view: View<'_>) -> Headers {
    let mut set = strings(view.entries("set"));
    for (name, _) in &mut set {
        name.make_ascii_lowercase();
    }
    let set = in_order(set, |(a, _), (b, _)| a < b);
    let patterns = |key: &str| {
        let mut patterns = view.patterns(key);
        for Pattern(text) in &mut patterns {
            text.make_ascii_lowercase();
        }
        patterns
    };
    Headers {
        keep: patterns("keep"),
        set,
        remove: patterns("remove"),
    }
}

fn security(view: View<'_>) -> Security {
    let mut expose = Vec::new();
    for word in view.texts("expose") {
        expose.push(match word.as_str() {
            "request_id" => Exposed::RequestId,
            "timestamp" => Exposed::Timestamp,
            "host" => Exposed::Host,
            "path" => Exposed::Path,
            _ => continue,
        });
    }
    Security {
        csp: match view.text("csp") {
            Some(text) if text == "off" => Csp::Off,
            Some(text) if text != "auto" => Csp::Custom(text),
            _ => Csp::Auto,
        },
        frame_ancestors: view.string("frame_ancestors"),
        expose,
        inner_pages: match view.word("inner_pages") {
            Some("ignore") => InnerPages::Ignore,
            _ => InnerPages::Trust,
        },
    }
}

/// The items in order. Insertion, because each `sort` of the standard library would be five
/// kilobytes of the module, for lists that people write by hand.
fn in_order<T>(items: Vec<T>, before: fn(&T, &T) -> bool) -> Vec<T> {
    let mut out: Vec<T> = Vec::new();
    for item in items {
        let at = out.partition_point(|other| before(other, &item));
        out.insert(at, item);
    }
    out
}
