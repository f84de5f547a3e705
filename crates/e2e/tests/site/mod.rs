//! A site behind Envoy with every kind of failure, each under its own path: one Envoy, one
//! upstream, one route per kind.

pub(crate) mod kinds;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{
    cluster, h2_cluster, merge, route, tidegate, typed, Bootstrap, Listener,
};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::{BlackHole, NoNames, Refused};
use tidegate_e2e::message::Response;
use tidegate_e2e::upstream::{Behaviour, Upstream};

/// The listener without the filter, for what Envoy alone answers.
pub(crate) const PLAIN: &str = "plain";

/// A running site.
#[derive(Debug)]
pub(crate) struct Site {
    // Fields are dropped in this order: Envoy ends before its upstreams.
    pub(crate) envoy: Envoy,
    pub(crate) upstream: Upstream,
    _faults: (Refused, BlackHole, NoNames),
}

impl Site {
    /// Starts a site with the listener [`PLAIN`] and one for each filter configuration.
    pub(crate) fn start(filters: &[(&str, Option<&str>)]) -> Site {
        let module = tidegate_e2e::module();
        let filters = filters
            .iter()
            .map(|(name, text)| (*name, vec![tidegate(&module, *text)]));
        Self::with_filters(filters.collect())
    }

    /// Starts a site with the listener [`PLAIN`] and one for each list of filters.
    pub(crate) fn with_filters(filters: Vec<(&str, Vec<Value>)>) -> Site {
        Self::with_listeners(filters, |listener| listener)
    }

    /// Starts a site like [`Site::with_filters`], and passes every listener through `change`.
    pub(crate) fn with_listeners(
        filters: Vec<(&str, Vec<Value>)>,
        change: impl Fn(Listener) -> Listener,
    ) -> Site {
        let (refused, black_hole, no_names) =
            (Refused::default(), BlackHole::default(), NoNames::default());
        let upstream = Upstream::start(kinds::behaviours());
        let clusters = clusters(
            upstream.address(),
            refused.address(),
            black_hole.address(),
            no_names.address(),
        );
        let listener = |name: &str, filters: Vec<Value>| {
            let filters = filters
                .into_iter()
                .chain([dynamic_forward_proxy(no_names.address())]);
            let listener = filters.fold(Listener::new(name), Listener::filter);
            change(listener.routes(kinds::routes())).json()
        };
        let listeners = std::iter::once((PLAIN, vec![]))
            .chain(filters)
            .map(|(name, filters)| listener(name, filters))
            .chain(secured_upstreams())
            .collect();
        let envoy = Envoy::start(&Bootstrap::new(clusters, listeners));
        Site {
            envoy,
            upstream,
            _faults: (refused, black_hole, no_names),
        }
    }

    /// Returns a client of a listener.
    pub(crate) fn client(&self, listener: &str, protocol: Protocol) -> Client {
        Client::new(protocol, self.envoy.listener(listener))
    }
}

/// Returns the part of a response that must be equal with and without the filter: all but what
/// differs from request to request.
pub(crate) fn comparable(response: &Response) -> Response {
    let volatile = ["date", "x-request-id", "x-envoy-upstream-service-time"];
    Response {
        headers: response.headers.sorted_without(&volatile),
        ..response.clone()
    }
}

fn clusters(
    upstream: SocketAddr,
    refused: SocketAddr,
    black_hole: SocketAddr,
    names: SocketAddr,
) -> Vec<Value> {
    let nothing_fits = json!({ "max_requests": 0, "max_pending_requests": 0 });
    let failing_check = json!({
        "timeout": "1s", "interval": "1s", "no_traffic_interval": "1s",
        "unhealthy_threshold": 1, "healthy_threshold": 1,
        "tcp_health_check": {},
    });
    let tls_with = |more: Value, validation: Value| {
        let context = json!({ "common_tls_context": { "validation_context": validation } });
        let context = merge(context, more);
        json!({ "transport_socket": {
            "name": "tls",
            "typed_config":
                typed("extensions.transport_sockets.tls.v3.UpstreamTlsContext", context),
        } })
    };
    let tls = |validation: Value| tls_with(json!({}), validation);
    let trust = |file: &str| json!({ "trusted_ca": { "filename": fixture(file) } });
    // The upstreams with TLS are listeners of the same Envoy.
    let secured = |name: &str, listener: &str, transport: Value| {
        let address = json!({ "pipe": { "path": format!("{listener}.sock") } });
        let socket = json!({ "endpoint": { "address": address } });
        let only = json!({ "load_assignment": { "endpoints": [{ "lb_endpoints": [socket] }] } });
        merge(merge(cluster(name, &[]), only), transport)
    };
    let other_name = json!({ "match_typed_subject_alt_names":
        [{ "san_type": "DNS", "matcher": { "exact": "other.invalid" } }] });
    let dynamic = json!({
        "name": "dynamic",
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {
            "name": "envoy.clusters.dynamic_forward_proxy",
            "typed_config": typed(
                "extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
                json!({ "dns_cache_config": dns_cache(names) }),
            ),
        },
    });
    vec![
        cluster("h1", &[upstream]),
        h2_cluster("h2", &[upstream]),
        cluster("refused", &[refused]),
        merge(
            cluster("black-hole", &[black_hole]),
            json!({ "connect_timeout": "0.2s" }),
        ),
        merge(
            cluster("overflow", &[upstream]),
            json!({ "circuit_breakers": { "thresholds": [nothing_fits] } }),
        ),
        cluster("empty", &[]),
        merge(
            cluster("unhealthy", &[refused]),
            json!({
                "health_checks": [failing_check],
                "common_lb_config": { "healthy_panic_threshold": { "value": 0.0 } },
            }),
        ),
        merge(cluster("tls-to-plain", &[upstream]), tls(json!({}))),
        secured("untrusted", "tls", tls(trust("other-authority.crt"))),
        secured("expired", "tls-expired", tls(trust("expired.crt"))),
        secured(
            "wrong-name",
            "tls",
            tls(merge(trust("untrusted.crt"), other_name)),
        ),
        secured("no-client-cert", "tls-client", tls(json!({}))),
        secured(
            "bad-client-cert",
            "tls-client",
            tls_with(
                json!({ "common_tls_context": { "tls_certificates": [certificate("untrusted.crt")] } }),
                json!({}),
            ),
        ),
        secured(
            "tls-versions",
            "tls-1.3",
            tls_with(
                json!({ "common_tls_context": { "tls_params": { "tls_maximum_protocol_version": "TLSv1_2" } } }),
                json!({}),
            ),
        ),
        dynamic,
    ]
}

fn dynamic_forward_proxy(names: SocketAddr) -> Value {
    json!({
        "name": "envoy.filters.http.dynamic_forward_proxy",
        "typed_config": typed(
            "extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
            json!({ "dns_cache_config": dns_cache(names) }),
        ),
    })
}

fn dns_cache(names: SocketAddr) -> Value {
    let resolver = json!({
        "resolvers": [{ "socket_address": {
            "protocol": "UDP", "address": "127.0.0.1", "port_value": names.port(),
        } }],
        "dns_resolver_options": { "no_default_search_domain": true },
    });
    json!({
        "name": "names",
        "dns_lookup_family": "V4_ONLY",
        "typed_dns_resolver_config": {
            "name": "envoy.network.dns_resolver.cares",
            "typed_config":
                typed("extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", resolver),
        },
    })
}

/// Returns upstreams with TLS, each on a socket in the folder of its Envoy: with an untrusted
/// certificate, with an expired one, with a required client certificate, and with TLS 1.3 only.
fn secured_upstreams() -> Vec<Value> {
    let newest = json!({ "tls_params": { "tls_minimum_protocol_version": "TLSv1_3" } });
    let authority = json!({ "trusted_ca": { "filename": fixture("other-authority.crt") } });
    let asks = json!({
        "common_tls_context": { "validation_context": authority },
        "require_client_certificate": true,
    });
    vec![
        secured_upstream("tls", "untrusted.crt", json!({})),
        secured_upstream("tls-expired", "expired.crt", json!({})),
        secured_upstream("tls-client", "untrusted.crt", asks),
        secured_upstream(
            "tls-1.3",
            "untrusted.crt",
            json!({ "common_tls_context": newest }),
        ),
    ]
}

/// All certificates have the same key.
fn certificate(file: &str) -> Value {
    json!({
        "certificate_chain": { "filename": fixture(file) },
        "private_key": { "filename": fixture("untrusted.key") },
    })
}

fn secured_upstream(name: &str, file: &str, more: Value) -> Value {
    let answer = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    let mut listener = Listener::new(name).routes([answer]).json();
    let context = json!({ "common_tls_context": { "tls_certificates": [certificate(file)] } });
    listener["address"] = json!({ "pipe": { "path": format!("{name}.sock") } });
    listener["filter_chains"][0]["transport_socket"] = json!({
        "name": "tls",
        "typed_config": typed(
            "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            merge(context, more),
        ),
    });
    listener
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Returns a route for a kind, in addition to that of its table row.
pub(crate) fn kind_route(name: &str, cluster: &str, action: Value) -> Value {
    let more = json!({ "name": name, "route": action });
    merge(route(&format!("/{name}/"), cluster), more)
}

/// Returns what the upstream does for a name.
pub(crate) type Script = (String, Behaviour);
