//! A connection, but no answer, or none that can be used.

use super::{Check, Runbook};

pub(super) const PROTOCOL: Runbook = Runbook {
    means: "The upstream answered something that is not the HTTP that Envoy speaks with it.",
    page: "The server behind this site gave an answer that makes no sense.",
    certainty: "Sure that the answer could not be read; the details name the parser's complaint.",
    checks: &[
        Check {
            what: "What does the upstream speak on this port? HTTP/1 where HTTP/2 is expected, TLS, or no HTTP at all?",
            run: "printf 'GET / HTTP/1.1\\r\\nHost: NAME\\r\\nConnection: close\\r\\n\\r\\n' | nc -w 3 HOST PORT | head -c 300 | xxd",
        },
        Check {
            what: "HTTP/2 without TLS (gRPC)? Both sides must be told so.",
            run: "curl -sv --http2-prior-knowledge http://HOST:PORT/ -o /dev/null",
        },
        Check {
            what: "Only some paths? Then the application writes broken responses: both `content-length` and `transfer-encoding`, \
                two lengths, line breaks in header values, a body after 204.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_cx_protocol_error|http1|http2)\"",
        },
    ],
    change: &[
        "Set the cluster's protocol (`explicit_http_config`, or `auto_config` with TLS) to what the upstream speaks; in Kubernetes \
            the port's `appProtocol`.",
        "Correct the application's headers; Envoy is stricter than most test clients, and rightly.",
    ],
    meanwhile: "It counts as a failure.",
};

pub(super) const TIMEOUT: Runbook = Runbook {
    means: "The upstream took the request and did not answer in time. It may still be at work on it.",
    page: "The server behind this site took too long to answer.",
    certainty: "Sure that a limit of Envoy's ran out, and the details say which: `response_timeout` (the route's), \
        `upstream_per_try_timeout`, `max_duration_timeout`, `stream_idle_timeout`. In a log without details the last-but-one has no flag \
        and looks like an upstream's own 504.",
    checks: &[
        Check {
            what: "Is the upstream slow for everybody, or on some paths? Compare its time with the route's limit.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_time|upstream_rq_timeout|upstream_rq_per_try_timeout)\"",
        },
        Check {
            what: "What does it wait for: database, locks, a service behind it, a full pool of threads or connections?",
            run: "",
        },
        Check {
            what: "Is it overloaded? Requests in flight rise while requests served do not.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_active|upstream_rq_pending_active)\"",
        },
        Check {
            what: "Did a release make something slower? Look at the time of the first failures.",
            run: "",
        },
    ],
    change: &[
        "Find the slow part; a longer time-out only makes more visitors wait at once.",
        "Do not retry time-outs on a route that is overloaded: each retry is more of what hurts.",
        "Bound what is at the upstream at once (`max_requests`), a little above what it can do.",
        "Let `breaker.failures.slow` open the circuit before requests run into the limit.",
    ],
    meanwhile: "It counts as a failure. The page tells a visitor who sent a form that it may have been processed.",
};

pub(super) const INCOMPLETE: Runbook = Runbook {
    means: "The upstream began to answer and broke off in the middle. The status and a part of the body were at the client already.",
    page: "The server behind this site stopped in the middle of its answer.",
    certainty: "Sure where the details say `upstream_reset_after_response_started`. From flags it is concluded: a reset, though bytes \
        of a body were sent.",
    checks: &[
        Check {
            what: "Did the process crash, or was it ended, while it wrote? Look for restarts at the times of the failures.",
            run: "kubectl get pods -w    # or: journalctl -u SERVICE",
        },
        Check {
            what: "Long answers only? Then a limit on their time ends them: of the upstream's server, of a proxy in between, or `max_stream_duration`.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_cx_destroy_remote_with_active_rq|upstream_rq_max_duration_reached)\"",
        },
        Check {
            what: "Does the application promise a `content-length` that it does not keep?",
            run: "curl -sv http://HOST:PORT/PATH -o /dev/null    # \"transfer closed with ... bytes remaining\"",
        },
    ],
    change: &[
        "Let processes finish their answers before they end.",
        "Let the application answer with an error, rather than break off, when it fails in the middle.",
    ],
    meanwhile: "It cannot put a page in the place of an answer that has begun; the client sees a broken transfer. The breaker counts \
        it as a failure.",
};

pub(super) const LIMIT: Runbook = Runbook {
    means: "A limit of Envoy's on connections, requests or retries to this cluster was reached, or Envoy itself is overloaded. \
        The request never reached the application.",
    page: "More people want to use this site at the moment than it can serve at once.",
    certainty: "Sure (`overflow`, `UO`). Which limit it was, only the statistics tell.",
    checks: &[
        Check {
            what: "Which limit: connections, pending requests, requests, retries?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(circuit_breakers|upstream_.*overflow)\"",
        },
        Check {
            what: "More visitors than usual, or a slow upstream? A slow one fills the limits with the usual number of visitors.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_active|upstream_rq_time)\"",
        },
        Check {
            what: "Were the limits ever set? Envoy's default is 1,024 of each, for all hosts of the cluster together, per Envoy.",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::(default|high)_priority'",
        },
        Check {
            what: "Is Envoy itself short of memory?",
            run: "curl -s \"$ADMIN/stats?filter=^overload\"",
        },
    ],
    change: &[
        "Add hosts, or make the upstream faster.",
        "Set the thresholds to what the upstream can really do: too low sheds for nothing, too high lets it drown.",
        "Limit retries by a budget (`retry_budget`) rather than a number.",
    ],
    meanwhile: "It does not count against the upstream: rejecting more would help nobody. The page tells each client another time to \
        come back, so that they do not come together.",
};

pub(super) const UNAVAILABLE: Runbook = Runbook {
    means: "Envoy had nobody to send the request to: no healthy host in the cluster, no host at all, or no such cluster. Or the network \
        knows no way to the host.",
    page: "No server is ready to answer for this site at the moment.",
    certainty: "Sure. The details tell the cases apart: `no_healthy_upstream` (hosts), `cluster_not_found` (configuration), \
        \"unreachable\" or \"No route to host\" (network).",
    checks: &[
        Check {
            what: "Which hosts does Envoy know, and why are they not healthy? `/failed_active_hc`, `/failed_outlier_check`, or an empty list.",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::.*health_flags'",
        },
        Check {
            what: "Do the health checks fail for a reason of their own: a wrong path, a time-out, a dependency that they ask for?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(health_check|membership|outlier_detection)\"",
        },
        Check {
            what: "An empty list: does the service have endpoints, and does the control plane deliver them?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.update\"; kubectl get endpointslices -l kubernetes.io/service-name=SERVICE",
        },
        Check {
            what: "No such cluster: was it renamed or taken away while routes still name it?",
            run: "curl -s \"$ADMIN/config_dump?resource=dynamic_active_clusters\" | grep '\"name\"'",
        },
    ],
    change: &[
        "Bring hosts back, then ask why all of them went at once.",
        "Let health checks ask whether the process can serve, not whether everything behind it is well.",
        "Bound outlier detection (`max_ejection_percent`), and keep `healthy_panic_threshold` where some answer is better than none.",
    ],
    meanwhile: "It does not count against the upstream, and the circuit stays as it is: as soon as there is a host, traffic flows.",
};

pub(super) const NOT_FOUND: Runbook = Runbook {
    means: "No route of Envoy's fits the host and path of the request.",
    page: "This address does not lead anywhere on this site.",
    certainty: "Sure (`route_not_found`, `NR`).",
    checks: &[
        Check {
            what: "Which hosts and paths are asked for? Scanners ask for what never existed; a host that did exist was lost.",
            run: "",
        },
        Check {
            what: "Were routes changed just before? Does the virtual host have this domain, with and without its port?",
            run: "curl -s \"$ADMIN/config_dump?resource=dynamic_route_configs\" | grep -A8 '\"domains\"'",
        },
        Check {
            what: "Was the last configuration refused, so that an older one is in force?",
            run: "curl -s \"$ADMIN/stats?filter=update_rejected|no_route\"",
        },
    ],
    change: &[
        "Add the domain or the route.",
        "Add a last route for everything else, with an answer of your own.",
    ],
    meanwhile: "It leaves it alone by default, since 404 is none of `intercept.statuses`. There is no circuit, since there is no upstream.",
};
