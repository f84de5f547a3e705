//! Reasons for which an upstream that was connected gave no usable response.

use super::{Check, Runbook};

pub(super) const PROTOCOL: Runbook = Runbook {
    means: "The upstream's response is not valid HTTP in the version that Envoy uses with it.",
    page: "Our site could not show this page.",
    certainty: "Certain that the response could not be parsed; the details name the parser's error.",
    checks: &[
        Check {
            what: "What does the upstream speak on this port? HTTP/1 where HTTP/2 is expected, TLS, or no HTTP at all?",
            run: "printf 'GET / HTTP/1.1\\r\\nHost: NAME\\r\\nConnection: close\\r\\n\\r\\n' | nc -w 3 HOST PORT | head -c 300 | xxd",
        },
        Check {
            what: "Is it HTTP/2 without TLS (gRPC)? Both sides must be configured for it.",
            run: "curl -sv --http2-prior-knowledge http://HOST:PORT/ -o /dev/null",
        },
        Check {
            what: "Do only some paths fail? Then the application sends invalid responses: both `content-length` and `transfer-encoding`, two lengths, line breaks in header values, a body after 204.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_cx_protocol_error|http1|http2)\"",
        },
    ],
    change: &[
        "Set the cluster's protocol (`explicit_http_config`, or `auto_config` with TLS) to what the upstream speaks; in Kubernetes, set the port's `appProtocol`.",
        "Correct the application's headers; Envoy is stricter than most test clients.",
    ],
    meanwhile: "The response counts as a failure.",
};

pub(super) const TIMEOUT: Runbook = Runbook {
    means: "The upstream accepted the request and did not answer in time. It may still be working on it.",
    page: "Our site took too long to answer.",
    certainty: "Certain that one of Envoy's timeouts expired; the details say which: `response_timeout` (the route's), \
        `upstream_per_try_timeout`, `max_duration_timeout`, `stream_idle_timeout`. In a log without details, `max_duration_timeout` has no flag and looks like a 504 of the upstream.",
    checks: &[
        Check {
            what: "Is the upstream slow for all requests, or on some paths? Compare its response time with the route's timeout.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_time|upstream_rq_timeout|upstream_rq_per_try_timeout)\"",
        },
        Check {
            what: "What does it wait for: a database, locks, a service behind it, an exhausted pool of threads or connections?",
            run: "",
        },
        Check {
            what: "Is it overloaded? Then requests in flight rise while requests served do not.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_active|upstream_rq_pending_active)\"",
        },
        Check {
            what: "Did a release make something slower? Compare its time with that of the first failure.",
            run: "",
        },
    ],
    change: &[
        "Find the slow part; a longer timeout only makes more visitors wait at once.",
        "Do not retry timeouts on an overloaded route: each retry adds load.",
        "Limit concurrent requests (`max_requests`) to slightly more than the upstream can handle.",
        "Set `breaker.failures.slow`, so that the circuit opens before requests reach the timeout.",
    ],
    meanwhile: "The response counts as a failure. The page tells a visitor who submitted a form that it may have been processed.",
};

pub(super) const INCOMPLETE: Runbook = Runbook {
    means: "The upstream started to respond and stopped in the middle. The client had already received the status and a part of the body.",
    page: "Our site could not show this page.",
    certainty: "Certain if the details say `upstream_reset_after_response_started`. By flags it is inferred from a reset after bytes of a body were sent.",
    checks: &[
        Check {
            what: "Did the process crash or shut down while it wrote the response? Look for restarts at the times of the failures.",
            run: "kubectl get pods -w    # or: journalctl -u SERVICE",
        },
        Check {
            what: "Do only long responses fail? Then a timeout ends them: of the upstream's server, of a proxy in between, or `max_stream_duration`.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_cx_destroy_remote_with_active_rq|upstream_rq_max_duration_reached)\"",
        },
        Check {
            what: "Does the application send less than its `content-length`?",
            run: "curl -sv http://HOST:PORT/PATH -o /dev/null    # \"transfer closed with ... bytes remaining\"",
        },
    ],
    change: &[
        "Let processes finish their responses before they shut down.",
        "Let the application send an error response instead of failing in the middle of a response.",
    ],
    meanwhile: "Tidegate cannot replace a response that has started; the client sees a broken transfer. The breaker counts it as a failure.",
};

pub(super) const LIMIT: Runbook = Runbook {
    means: "One of Envoy's limits on connections, requests or retries to this cluster was reached, or Envoy itself is overloaded. \
        The request never reached the application.",
    page: "More people want to use this site at the moment than it can serve at once.",
    certainty: "Certain (`overflow`, `UO`). Only the statistics say which limit it was.",
    checks: &[
        Check {
            what: "Which limit was reached: connections, pending requests, requests or retries?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(circuit_breakers|upstream_.*overflow)\"",
        },
        Check {
            what: "Are there more visitors than usual, or is the upstream slow? A slow upstream reaches the limits with the usual number of visitors.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_active|upstream_rq_time)\"",
        },
        Check {
            what: "Were the limits ever set? Envoy's default is 1,024 of each, for all hosts of the cluster together, in each Envoy.",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::(default|high)_priority'",
        },
        Check {
            what: "Is Envoy itself short of memory?",
            run: "curl -s \"$ADMIN/stats?filter=^overload\"",
        },
    ],
    change: &[
        "Add hosts, or make the upstream faster.",
        "Set the thresholds to what the upstream can handle: too low rejects needlessly, too high does not protect it.",
        "Limit retries by a budget (`retry_budget`) rather than by a number.",
    ],
    meanwhile: "The response does not count against the upstream: rejecting more requests would not help. Each client gets a different retry time, so that they do not return at once.",
};

pub(super) const UNAVAILABLE: Runbook = Runbook {
    means: "Envoy had no host to send the request to: the cluster has no healthy host, no host at all, or does not exist. Or the network has no route to the host.",
    page: "Our site cannot be reached at the moment.",
    certainty: "Certain. The details distinguish the cases: `no_healthy_upstream` (hosts), `cluster_not_found` (configuration), \
        `direct_response` (Envoy Gateway found no ready endpoint), \
        \"unreachable\" or \"No route to host\" (network).",
    checks: &[
        Check {
            what: "Which hosts does Envoy know, and why are they not healthy? Look for `/failed_active_hc`, `/failed_outlier_check`, or an empty list.",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::.*health_flags'",
        },
        Check {
            what: "Do the health checks themselves fail: a wrong path, a timeout, a dependency that they query?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(health_check|membership|outlier_detection)\"",
        },
        Check {
            what: "If the list is empty: does the service have endpoints, and does the control plane deliver them?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.update\"; kubectl get endpointslices -l kubernetes.io/service-name=SERVICE",
        },
        Check {
            what: "If the cluster does not exist: was it renamed or removed while routes still refer to it?",
            run: "curl -s \"$ADMIN/config_dump?resource=dynamic_active_clusters\" | grep '\"name\"'",
        },
    ],
    change: &[
        "Restore hosts, then find out why all of them failed at once.",
        "Let health checks test whether the process can serve, not whether everything behind it is healthy.",
        "Limit outlier detection (`max_ejection_percent`), and keep `healthy_panic_threshold` if some response is better than none.",
    ],
    meanwhile: "The response does not count against the upstream, and the circuit stays as it is: traffic flows as soon as a host is available.",
};

pub(super) const CONFIGURATION: Runbook = Runbook {
    means: "The route has no upstream: it answers 500 itself, without a body. Envoy Gateway makes such a route if a backend reference is not valid, if all weights are zero, or if a policy of the route could not be applied.",
    page: "An error kept us from completing your request.",
    certainty: "Certain that the route has no upstream: the details say `direct_response`, and there is no body. Why, only the control plane knows.",
    checks: &[
        Check {
            what: "What do the conditions of the route say? Look for `ResolvedRefs` and `Accepted` that are False.",
            run: "kubectl get httproute NAME -o jsonpath='{.status.parents[*].conditions}'",
        },
        Check {
            what: "Does the service exist in that namespace, with that port, and does a `ReferenceGrant` allow the reference?",
            run: "kubectl get service,referencegrant -n NAMESPACE",
        },
        Check {
            what: "Did a policy fail (a Wasm module that could not be fetched, a missing secret)?",
            run: "kubectl get envoyextensionpolicy,securitypolicy,backendtrafficpolicy -A -o yaml | grep -B2 -A4 'status: \"False\"'",
        },
    ],
    change: &[
        "Check references before they are applied, and alert on conditions that are False.",
        "If a Wasm module may be missing, `failOpen: true` keeps its routes alive.",
    ],
    meanwhile: "The page is shown although the status is 500, because no application could have sent it. The response does not count against the upstream, and the page does not retry.",
};

pub(super) const NOT_FOUND: Runbook = Runbook {
    means: "None of Envoy's routes matches the host and path of the request.",
    page: "This address does not lead anywhere on this site.",
    certainty: "Certain (`route_not_found`, `NR`).",
    checks: &[
        Check {
            what: "Which hosts and paths are requested? Scanners request what never existed; if the host used to work, its route was lost.",
            run: "",
        },
        Check {
            what: "Were routes changed shortly before? Does the virtual host have this domain, with and without the port?",
            run: "curl -s \"$ADMIN/config_dump?resource=dynamic_route_configs\" | grep -A8 '\"domains\"'",
        },
        Check {
            what: "Was the last configuration rejected, so that an older one is in force?",
            run: "curl -s \"$ADMIN/stats?filter=update_rejected|no_route\"",
        },
    ],
    change: &[
        "Add the domain or the route.",
        "Add a catch-all route with a response of your own.",
    ],
    meanwhile: "By default the response passes unchanged, since `intercept.statuses` does not include 404. There is no circuit, since there is no upstream.",
};
