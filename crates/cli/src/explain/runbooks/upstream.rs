//! What the upstream answered by itself, what the filter answers, and the rest.

use super::{Check, Runbook};

pub(super) const ERROR: Runbook = Runbook {
    means: "The application answered 500, or another 5xx that has no reason of its own: it ran into an error and said so.",
    page: "The application behind this site ran into an error.",
    certainty: "Sure that the answer came from the upstream (`via_upstream`). Why, only the application knows.",
    checks: &[
        Check {
            what: "What does the application's own log say at this time? Look for the request id of the page, the access log has it too.",
            run: "grep REQUEST_ID /var/log/APPLICATION.log",
        },
        Check {
            what: "Did a release begin just before, and are all failures of the new one?",
            run: "tidegate explain ACCESS_LOG    # with the release in the log it tells",
        },
        Check {
            what: "One host or all? One path or all?",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::.*rq_error'",
        },
        Check {
            what: "Did something that it depends on change: database, credentials, quota, a certificate?",
            run: "",
        },
    ],
    change: &[
        "Take the release back first, and look for the mistake then.",
        "Let the application answer 503 with `Retry-After` where waiting helps, and 500 only where it does not.",
    ],
    meanwhile: "By default it lets 500 pass, since it is often the application's own page. With 500 in `intercept.statuses` it is replaced, \
        with 500 in `breaker.failures.statuses` it counts as a failure.",
};

pub(super) const BAD_GATEWAY: Runbook = Runbook {
    means: "The upstream answered 502: it is a gateway itself, and had no usable answer from what is behind it.",
    page: "A system that this site depends on gave no usable answer.",
    certainty: "Sure that the 502 came from the upstream and not from Envoy (`via_upstream`). What failed behind it, its own log tells.",
    checks: &[
        Check {
            what: "Who is the upstream: another Envoy, nginx, a load balancer? Its log has the cause.",
            run: "curl -sv http://HOST:PORT/PATH -o /dev/null 2>&1 | grep -i -E '< (server|via|proxy-status)'",
        },
        Check {
            what: "Does its `Proxy-Status` say why? Where Tidegate works there too, its page passes as it is, with its own reason.",
            run: "",
        },
        Check {
            what: "nginx before php-fpm, gunicorn, node: is that process up, and does it answer within nginx's limits?",
            run: "",
        },
    ],
    change: &[
        "Mend the hop behind the upstream; here only the messenger is seen.",
        "Put Tidegate on the inner gateway as well: it is nearer to the cause.",
    ],
    meanwhile: "It counts as a failure.",
};

pub(super) const UNAVAILABLE: Runbook = Runbook {
    means: "The upstream answered 503: it is there, and says that it cannot serve at the moment. It may be overloaded, starting, \
        or in a maintenance of its own.",
    page: "The application behind this site cannot answer at the moment.",
    certainty: "Sure that the 503 came from the upstream and not from Envoy (`via_upstream`).",
    checks: &[
        Check {
            what: "Is it overloaded? Processor, memory, pool of threads, pool of database connections.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.(upstream_rq_active|upstream_rq_time)\"",
        },
        Check {
            what: "Is it still starting, or does it sit in a maintenance mode that somebody forgot?",
            run: "curl -si http://HOST:PORT/PATH | head -20",
        },
        Check {
            what: "Does it send `Retry-After`? Then it knows what it wants, and the page passes it on.",
            run: "",
        },
    ],
    change: &[
        "Add capacity, or shed earlier: `max_requests` of the cluster a little above what it can do.",
        "Let readiness checks keep a process out of the cluster until it can serve.",
    ],
    meanwhile: "It counts as a failure. With a `Retry-After` the upstream regulates itself: the circuit honours that time where it opens.",
};

pub(super) const TIMEOUT: Runbook = Runbook {
    means: "The upstream answered 504: it is a gateway itself, and what is behind it did not answer in time.",
    page: "A system that this site depends on took too long to answer.",
    certainty: "Sure where the details say `via_upstream`. In a log without details, a 504 of Envoy's that has no flag \
        (`max_stream_duration`) looks the same.",
    checks: &[
        Check {
            what: "Whose limit was it? Failures after a round number of seconds show which.",
            run: "curl -so /dev/null -w '%{http_code} after %{time_total} s\\n' http://HOST:PORT/PATH",
        },
        Check {
            what: "What is slow behind it: database, a service of somebody else's, a lock?",
            run: "",
        },
    ],
    change: &[
        "Let each hop's limit be shorter than that of the hop before it, so that the one nearest to the cause answers.",
        "Answer from a cache, or without the slow part, where that is better than nothing.",
    ],
    meanwhile: "It counts as a failure. The page tells a visitor who sent a form that it may have been processed.",
};

pub(super) const CIRCUIT_OPEN: Runbook = Runbook {
    means: "Tidegate rejected the request itself: so many requests of this route had failed that it spares the upstream until it is well.",
    page: "The server behind this site is having trouble, so we are giving it a moment to recover.",
    certainty: "Sure: it is the filter's own decision. The cause is the reason that opened the circuit.",
    checks: &[
        Check {
            what: "What opened it? That reason is in the line of Envoy's log that says so, and its runbook is the one to follow.",
            run: "grep '\"to\":\"open\"' ENVOY_LOG | tail -5",
        },
        Check {
            what: "Is it still open, and how much is admitted?",
            run: "curl -s \"$ADMIN/stats?filter=^wasmcustom.tidegate.breaker\"",
        },
        Check {
            what: "Opens again and again? Then the upstream is still ill, or a few requests that always fail make it look so.",
            run: "tidegate explain ACCESS_LOG    # the failures before the rejections are the cause",
        },
    ],
    change: &[
        "Mend what opened it; the circuit closes by itself, step by step.",
        "Where a route mixes requests that fail with such that do not, give them routes, and so breakers, of their own.",
        "Try limits on your traffic with `breaker.mode: shadow` first, and with `tidegate simulate`.",
    ],
    meanwhile: "It sends a few probes when the open time is over. If they succeed it admits a growing share, else it waits longer. Clients \
        are told different times to come back.",
};

pub(super) const MAINTENANCE: Runbook = Runbook {
    means: "The route is in maintenance: somebody said so in the configuration.",
    page: "We are working on this site and have switched it off while we do so.",
    certainty: "Sure: it is the filter's own decision.",
    checks: &[
        Check {
            what: "Is it meant to be, and still? `maintenance.until` ends it by itself.",
            run: "curl -s $ADMIN/config_dump | grep -o 'maintenance[^}]*}' | sort -u",
        },
        Check {
            what: "Is it the right route? The first entry of `routes` that fits wins.",
            run: "tidegate check CONFIGURATION",
        },
    ],
    change: &["Take `maintenance` out of the configuration, or give it an end with `until`."],
    meanwhile: "It answers everything itself, with the message and the end that the configuration has. The upstream gets nothing, the breaker \
        counts nothing.",
};

pub(super) const PROXY: Runbook = Runbook {
    means: "Envoy answered by itself for a reason that has no name here: another filter (authorization, rate limit, a Wasm module that \
        died), a rule of its configuration, or something that this version of Tidegate does not know.",
    page: "The gateway of this site could not complete your request.",
    certainty: "It is the rest: what neither details nor flags name. A log without details has every answer of another filter here.",
    checks: &[
        Check {
            what: "What do the response code details say? `ext_authz_error`, `rbac_access_denied`, `wasm_fail_stream`, `filter_chain_not_found`, ...",
            run: "grep REQUEST_ID ACCESS_LOG",
        },
        Check {
            what: "What does Envoy's own log say at this time?",
            run: "grep -E 'warning|error|critical' ENVOY_LOG | tail -50",
        },
        Check {
            what: "No details in the access log? Add them: `envoy/access-log.yaml`.",
            run: "",
        },
    ],
    change: &[
        "Mend what the details name. If they name a failure of an upstream, tell us: it should have a reason.",
    ],
    meanwhile: "It shows the page where the status is intercepted. It does not count against the upstream.",
};
