use super::*;
use crate::config::Config;

const NOW: Timestamp = Timestamp::from_millis(1_795_413_600_000);

fn reply(config: &str, reason: Reason, path: &str) -> (HeaderBlock, String) {
    let config = Config::from_json(config.as_bytes()).unwrap();
    let (headers, body) = Sample {
        request: &HeaderBlock::from_pairs(&[
            (":method", "GET"),
            (":path", path),
            (":authority", "shop.example"),
        ]),
        route: &RouteInfo::default(),
        format: Format::Problem,
        reason,
        source: Source::Proxy,
        status: 503,
        maintenance: &Maintenance::default(),
        now: NOW,
        unit: 0.5,
    }
    .reply(&FilterConfig::new(config));
    (headers, String::from_utf8(body).unwrap())
}

#[test]
fn a_sample_has_the_headers_and_the_hint_of_its_policy() {
    let config = r#"{ "mode": "shadow", "retry": { "after": { "default": "10s" } },
        "headers": { "set": { "x-brand": "a" } },
        "routes": [{ "name": "api", "match": { "path_prefix": "/api" },
                     "retry": { "after": { "default": "20s" } } }] }"#;
    for (path, expected) in [("/", "8"), ("/api/x", "16")] {
        let (headers, body) = reply(config, Reason::DnsError, path);
        let header = |name| String::from_utf8(headers.get(name).unwrap().to_vec()).unwrap();
        assert_eq!(header("retry-after"), expected);
        assert_eq!(header("proxy-status"), "gateway; error=dns_error");
        assert_eq!(header("x-tidegate-page"), "dns_error");
        assert_eq!(header("x-brand"), "a");
        assert_eq!(header("content-length"), body.len().to_string());
        assert!(
            body.contains(&format!("\"retry_after\":{expected}")),
            "{body}"
        );
    }
}

#[test]
fn a_maintenance_lasts_until_its_end_and_a_circuit_until_it_half_opens() {
    // A maintenance a little longer, by half of a hundredth of the time here.
    let config = r#"{ "breaker": { "open": { "base": "4s" } },
        "routes": [{ "name": "a", "maintenance": { "until": "2026-11-23T06:15:00Z" } }] }"#;
    for (reason, expected) in [(Reason::Maintenance, "905"), (Reason::CircuitOpen, "4")] {
        let (headers, _) = reply(config, reason, "/");
        assert_eq!(
            headers.get("retry-after"),
            Some(expected.as_bytes()),
            "{reason:?}"
        );
    }
}
