//! The documented defaults.

use std::time::Duration;

use super::*;
use crate::statuses::StatusSet;

fn patterns(all: &[&str]) -> Vec<Pattern> {
    all.iter().map(|&text| Pattern(text.to_owned())).collect()
}

fn gateway_failures() -> StatusSet {
    let mut set = StatusSet::empty();
    set.insert_range(502, 504);
    set
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            brand: Brand {
                name: String::new(),
                logo: None,
                color: None,
                color_dark: None,
                home_url: None,
                status_url: None,
                links: Vec::new(),
            },
            policy: Policy {
                intercept: Intercept {
                    statuses: gateway_failures(),
                    source: SourceFilter::Any,
                    upstream_body: UpstreamBody::KeepStructured,
                    status: StatusRule::Standard,
                    skip_paths: patterns(&["/robots.txt", "/.well-known/*"]),
                    skip_hosts: Vec::new(),
                    opt_out_header: "x-tidegate".to_owned(),
                },
                retry: Retry {
                    after: Duration::from_secs(10),
                    after_by_status: vec![(504, Duration::from_secs(30))],
                    honor_upstream: true,
                    max: Duration::from_secs(900),
                    pace: Pace::Auto,
                    page: PageRetry {
                        auto: true,
                        max_attempts: 10,
                        cap: Duration::from_secs(120),
                    },
                },
                breaker: Breaker {
                    mode: BreakerMode::Enforce,
                    window: Duration::from_secs(10),
                    min_requests: 20,
                    failure_ratio: 0.5,
                    consecutive_failures: 10,
                    consecutive_for: Duration::from_secs(1),
                    failure_statuses: gateway_failures(),
                    slow: None,
                    slow_ratio: 0.8,
                    open_base: Duration::from_secs(2),
                    open_max: Duration::from_secs(15),
                    open_jitter: 0.25,
                    open_honor_retry_after: true,
                    probe_permits: 3,
                    probe_timeout: Duration::from_secs(10),
                    ramp_duration: Duration::from_secs(10),
                    ramp_failure_ratio: 0.3,
                    group: None,
                },
            },
            routes: Vec::new(),
            templates: Vec::new(),
            pages: Vec::new(),
            delimiters: ("{{".to_owned(), "}}".to_owned()),
            locales: Locales {
                default: "en".to_owned(),
                strings: Vec::new(),
            },
            formats: Formats {
                default: DefaultFormat::Text,
                problem_type_base: "about:blank".to_owned(),
                cli_agents: ["curl/", "Wget/", "HTTPie/"].map(str::to_owned).to_vec(),
            },
            headers: Headers {
                keep: patterns(&["access-control-*", "strict-transport-security", "alt-svc"]),
                set: Vec::new(),
                remove: patterns(&["server"]),
            },
            security: Security {
                csp: Csp::Auto,
                frame_ancestors: "'none'".to_owned(),
                expose: vec![Exposed::RequestId, Exposed::Timestamp],
                inner_pages: InnerPages::Trust,
            },
            proxy_status: ProxyStatus {
                name: "gateway".to_owned(),
                details: false,
            },
            route_metadata: RouteMetadata::OnFailure,
            release_header: "x-release".to_owned(),
            not_in_force: Vec::new(),
        }
    }
}
