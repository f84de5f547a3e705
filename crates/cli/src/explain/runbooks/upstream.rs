//! Reasons that the upstream or the filter states itself, and the remaining ones.

use super::{Check, Runbook};

pub(super) const ERROR: Runbook = Runbook {
    means: "The application answered 500, or another 5xx without a reason of its own: it reports an internal error.",
    page: "An error kept us from completing your request.",
    certainty: "Certain that the response came from the upstream (`via_upstream`). Only the application knows the cause.",
    checks: &[
        Check {
            what: "What does the application's log say at this time? Search for the request id on the page; the access log has it too.",
            run: "grep REQUEST_ID /var/log/APPLICATION.log",
        },
        Check {
            what: "Did a release start shortly before, and do all failures come from the new one?",
            run: "tidegate explain ACCESS_LOG    # needs the release in the log",
        },
        Check {
            what: "Does one host fail, or all? One path, or all? `tidegate explain ACCESS_LOG` names both.",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::.*rq_error'",
        },
        Check {
            what: "Did a dependency change: a database, credentials, a quota, a certificate?",
            run: "",
        },
    ],
    change: &[
        "Roll back the release first, then look for the error.",
        "Let the application answer 503 with `Retry-After` if waiting helps, and 500 only if it does not.",
    ],
    meanwhile: "By default a 500 passes, since it is often the application's own page. With 500 in `intercept.statuses` it is replaced; with 500 in `breaker.failures.statuses` it counts as a failure.",
};

pub(super) const BAD_GATEWAY: Runbook = Runbook {
    means: "The upstream answered 502: it is itself a gateway and got no usable response from its own upstream.",
    page: "Our site could not show this page.",
    certainty: "Certain that the 502 came from the upstream and not from Envoy (`via_upstream`). Its own log says what failed behind it.",
    checks: &[
        Check {
            what: "What is the upstream: another Envoy, nginx, a load balancer? Its log has the cause.",
            run: "curl -sv http://HOST:PORT/PATH -o /dev/null 2>&1 | grep -i -E '< (server|via|proxy-status)'",
        },
        Check {
            what: "Does its `Proxy-Status` header state a cause? If Tidegate runs there too, its page passes unchanged, with its own reason.",
            run: "",
        },
        Check {
            what: "If it is nginx in front of php-fpm, gunicorn or node: is that process running, and does it answer within nginx's timeouts?",
            run: "",
        },
    ],
    change: &[
        "Fix the hop behind the upstream; the upstream only reports its failure.",
        "Install Tidegate on the inner gateway too: it is nearer to the cause.",
    ],
    meanwhile: "The response counts as a failure.",
};

pub(super) const UNAVAILABLE: Runbook = Runbook {
    means: "The upstream answered 503: it is running, and reports that it cannot serve at the moment. It may be overloaded, starting, or in its own maintenance mode.",
    page: "Our site cannot be reached at the moment.",
    certainty: "Certain that the 503 came from the upstream and not from Envoy (`via_upstream`).",
    checks: &[
        Check {
            what: "Is it overloaded? Check processor, memory, thread pool and database connection pool.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_active|upstream_rq_time)\"",
        },
        Check {
            what: "Is it still starting, or was its maintenance mode left on?",
            run: "curl -si http://HOST:PORT/PATH | head -20",
        },
        Check {
            what: "Does it send `Retry-After`? Then the page passes this time on.",
            run: "",
        },
    ],
    change: &[
        "Add capacity, or reject earlier: set `max_requests` of the cluster to slightly more than the upstream can handle.",
        "Let readiness checks keep a process out of the cluster until it can serve.",
    ],
    meanwhile: "The response counts as a failure. If it has a `Retry-After`, the circuit uses that time when it opens.",
};

pub(super) const TIMEOUT: Runbook = Runbook {
    means: "The upstream answered 504: it is itself a gateway, and its own upstream did not answer in time.",
    page: "Our site took too long to answer.",
    certainty: "Certain if the details say `via_upstream`. In a log without details, a 504 from Envoy that has no flag (`max_stream_duration`) looks the same.",
    checks: &[
        Check {
            what: "Whose timeout was it? The number of seconds before the failure shows which.",
            run: "curl -so /dev/null -w '%{http_code} after %{time_total} s\\n' http://HOST:PORT/PATH",
        },
        Check {
            what: "What is slow behind it: a database, a third-party service, a lock?",
            run: "",
        },
    ],
    change: &[
        "Set each hop's timeout shorter than that of the hop before it, so that the hop nearest to the cause answers.",
        "Answer from a cache or without the slow part, if that is better than nothing.",
    ],
    meanwhile: "The response counts as a failure. The page tells a visitor who submitted a form that it may have been processed.",
};

pub(super) const CIRCUIT_OPEN: Runbook = Runbook {
    means: "Tidegate rejected the request: many requests of this route, or of this part of its paths, failed. Its circuit opened, to let the upstream recover.",
    page: "Our site is having trouble, so we are giving it a moment to recover.",
    certainty: "Certain: it is the filter's own decision. The cause is the reason that opened the circuit.",
    checks: &[
        Check {
            what: "What opened the circuit, and for which paths? Envoy's log has a line with the reason and, unless the circuit of the whole route opened, the class of paths. Follow the runbook of that reason.",
            run: "grep '\"to\":\"open\"' ENVOY_LOG | tail -5",
        },
        Check {
            what: "Is it still open, and what share of requests is admitted?",
            run: "curl -s \"$ADMIN/stats?filter=^wasmcustom.tidegate.breaker\"",
        },
        Check {
            what: "Does it open again and again? Then the upstream still fails, or a few requests that always fail make it look so.",
            run: "tidegate explain ACCESS_LOG    # the failures before the rejections are the cause",
        },
    ],
    change: &[
        "Fix what opened it; the circuit closes gradually by itself.",
        "If requests that do not fail are rejected with others, remove `breaker.scope: \"route\"`: by default, only requests for the paths that fail are rejected.",
        "Test limits on your traffic with `breaker.mode: shadow`, and with `tidegate simulate`.",
    ],
    meanwhile: "When the open time is over, the circuit admits a few probes. If they succeed, it admits a growing rate of requests; otherwise it stays open longer. Clients get different retry times.",
};

pub(super) const MAINTENANCE: Runbook = Runbook {
    means: "The route is in maintenance mode in the configuration.",
    page: "We are working on this site, so it is not available at the moment.",
    certainty: "Certain: it is the filter's own decision.",
    checks: &[
        Check {
            what: "Is the maintenance intended, and still in progress? `maintenance.until` ends it automatically.",
            run: "curl -s $ADMIN/config_dump | grep -o 'maintenance[^}]*}' | sort -u",
        },
        Check {
            what: "Is it the right route? The first entry of `routes` that matches applies.",
            run: "tidegate check CONFIGURATION",
        },
    ],
    change: &["Remove `maintenance` from the configuration, or set its end with `until`."],
    meanwhile: "Tidegate answers every request, with the message and the end time of the configuration. The upstream gets no requests, and the breaker counts nothing.",
};

pub(super) const PROXY: Runbook = Runbook {
    means: "Envoy answered by itself for a reason that Tidegate does not name: another filter (authorization, rate limit, a crashed Wasm module), a rule of its configuration, or something that this version of Tidegate does not know.",
    page: "An error kept us from completing your request.",
    certainty: "This reason covers what neither details nor flags name. In a log without details, it includes every response of another filter, and Tidegate's own pages of maintenance. A 503 without flag and host at a time when the upstream fails is reported as `circuit_open`, as most likely.",
    checks: &[
        Check {
            what: "Does the access log lack details? Then it may be a maintenance of Tidegate's. Add them: `envoy/access-log.yaml`.",
            run: "",
        },
        Check {
            what: "What do the response code details say? For example `ext_authz_error`, `rbac_access_denied`, `wasm_fail_stream`, `filter_chain_not_found`, ...",
            run: "grep REQUEST_ID ACCESS_LOG",
        },
        Check {
            what: "What does Envoy's log say at this time?",
            run: "grep -E 'warning|error|critical' ENVOY_LOG | tail -50",
        },
    ],
    change: &[
        "Fix what the details name. If they name a failure of an upstream, report it: it should have a reason.",
    ],
    meanwhile: "The page is shown if the status is intercepted. The response does not count against the upstream.",
};
