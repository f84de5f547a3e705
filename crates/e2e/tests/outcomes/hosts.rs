//! One catch-all route for many hosts.

use serde_json::{json, Value};
use tidegate_e2e::config::{merge, route, typed, Listener};
use tidegate_e2e::message::Request;

use super::bench::{Bench, Kind};
use crate::breaker::bench::{is_rejected, wait_until};

fn dns_cache() -> Value {
    json!({ "dns_cache_config": { "name": "hosts", "dns_lookup_family": "V4_ONLY" } })
}

pub(crate) fn cluster() -> Value {
    json!({
        "name": "hosts",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": "5s",
        "cluster_type": {
            "name": "envoy.clusters.dynamic_forward_proxy",
            "typed_config": typed(
                "extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
                dns_cache(),
            ),
        },
    })
}

/// Returns a listener whose only route leads to whatever host a request names.
pub(crate) fn listener(tidegate: Value) -> Value {
    let proxy = json!({
        "name": "envoy.filters.http.dynamic_forward_proxy",
        "typed_config": typed(
            "extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
            dns_cache(),
        ),
    });
    let all = merge(route("/", "hosts"), json!({ "name": "anywhere" }));
    let listener = Listener::new("hosts").filter(tidegate).filter(proxy);
    listener.routes([all]).json()
}

/// c14: nothing listens at one host; the other host is well.
pub(crate) fn a_dead_host_does_not_cut_off_the_others(bench: &Bench) {
    let port = bench.upstream.address().port();
    for kind in [Kind::H1, Kind::H2] {
        // The upstream listens on 127.0.0.1 only.
        let to = |host: &str| {
            let mut request = Request::get("/page");
            request.authority = format!("{host}:{port}");
            request
        };
        let dead = bench.load_of("hosts", kind, to("127.0.0.2"), 20);
        let good = bench.load_of("hosts", kind, to("127.0.0.1"), 5);
        wait_until("the dead host to be cut off", || {
            let last = dead.seen().pop()?;
            last.response().is_some_and(is_rejected).then_some(())
        });
        let before = good.seen().len();
        let seen = good.wait_for(before + 20);
        let wrong = seen
            .iter()
            .find(|one| one.response().is_none_or(|response| response.status != 200));
        let wrong = wrong.map(ToString::to_string);
        assert_eq!(wrong, None, "the good host");
    }
}
