//! Runbooks of the reasons for which clients are refused.

use super::{Check, Runbook};

pub(super) const RATE_LIMITED: Runbook = Runbook {
    means: "A limit on the requests of a client refused this one: a rate limit filter of Envoy, or the upstream itself.",
    page: "More requests came from you in a short time than this site allows.",
    certainty: "Certain if the details say `local_rate_limited` or `request_rate_limited`. Otherwise the status 429 is the evidence.",
    checks: &[
        Check {
            what: "Who limits? `via_upstream` in the details is the application; the others are Envoy's filters.",
            run: "curl -s \"$ADMIN/stats?filter=(rate_limited|ratelimit)\"",
        },
        Check {
            what: "Is it one client (a crawler, a retry loop, a monitor) or many? Many: the limit is too low, or all of them have the address of a proxy.",
            run: "tidegate explain ACCESS_LOG",
        },
        Check {
            what: "Does the limiter say when to come back? Without `Retry-After`, clients get the configured hint.",
            run: "curl -sI https://HOST/PATH | grep -i -E 'retry-after|ratelimit'",
        },
    ],
    change: &[
        "Limit by what identifies a client, not by an address that many share.",
        "Let the limiter send `Retry-After`: Tidegate passes it on.",
    ],
    meanwhile: "A page is shown only if `intercept.statuses` lists 429. The response never counts against the upstream, unless `breaker.failures.statuses` lists 429 for an upstream's own. The page retries no sooner than the limiter says.",
};

pub(super) const UNAUTHORIZED: Runbook = Runbook {
    means: "The request had no credentials, or they are not valid: an authentication filter of Envoy or the upstream answered 401.",
    page: "This page is only for visitors who have signed in.",
    certainty: "The status is the evidence. The details name the filter: `jwt_authn_access_denied{...}`, `ext_authz_denied`, or `via_upstream`.",
    checks: &[
        Check {
            what: "Are these visitors who are not signed in, or do all requests fail since some moment? All: a key was rotated, or clocks differ.",
            run: "tidegate explain ACCESS_LOG",
        },
        Check {
            what: "Does Envoy have the keys of the issuer?",
            run: "curl -s \"$ADMIN/stats?filter=jwt_authn\"",
        },
    ],
    change: &[
        "Rotate keys with an overlap, and let Envoy fetch them before the first token needs them.",
        "Send `WWW-Authenticate`: Tidegate keeps it, and browsers and programs need it.",
    ],
    meanwhile: "A page is shown only if `intercept.statuses` lists 401. The response does not count against the upstream, and the page does not retry.",
};

pub(super) const FORBIDDEN: Runbook = Runbook {
    means: "The client is not allowed to do this: an authorization filter of Envoy or the upstream answered 403.",
    page: "You do not have permission to open this page.",
    certainty: "The status is the evidence. The details name the filter: `rbac_access_denied_matched_policy[...]`, `ext_authz_denied`, or `via_upstream`.",
    checks: &[
        Check {
            what: "Which rule refused the request? The details of RBAC name it; in Istio, it is an `AuthorizationPolicy`.",
            run: "grep REQUEST_ID ACCESS_LOG",
        },
        Check {
            what: "Did a policy change shortly before? A new ALLOW policy refuses everything that it does not list.",
            run: "curl -s \"$ADMIN/stats?filter=(rbac|ext_authz).*denied\"",
        },
    ],
    change: &[
        "Try a policy in shadow mode first: `shadow_rules` in Envoy, `dry-run` in Istio.",
    ],
    meanwhile: "A page is shown only if `intercept.statuses` lists 403. The response does not count against the upstream, and the page does not retry.",
};

pub(super) const AUTHORIZATION_UNAVAILABLE: Runbook = Runbook {
    means: "Envoy's `ext_authz` filter got no answer from its authorization service, so it refused the request without knowing whether it is allowed.",
    page: "An error kept us from completing your request.",
    certainty: "Certain (`ext_authz_error`). A service that answers and refuses is `forbidden` or `unauthorized`.",
    checks: &[
        Check {
            what: "Is the authorization service up, and does it answer in time?",
            run: "curl -s \"$ADMIN/stats?filter=ext_authz.*(error|timeout|failure_mode_allowed)\"",
        },
        Check {
            what: "Does Envoy reach it? Its cluster shows refused connections, time-outs and open circuits like any other.",
            run: "curl -s $ADMIN/clusters | grep AUTHZ_CLUSTER::",
        },
    ],
    change: &[
        "Set `status_on_error` to 503: by default a failed service looks like a refusal (403), which passes without a page.",
        "Give the service a time-out that is far below that of the routes, and more than one host.",
        "Decide what is worse: `failure_mode_allow` lets all requests pass while the service is down.",
    ],
    meanwhile: "The page is shown if the filter's status is intercepted; its own status is 503. The response does not count against the upstream.",
};

pub(super) const CLIENT_ERROR: Runbook = Runbook {
    means: "The upstream, a filter or Envoy itself refused the request with another status of the class 4xx: 400, 404, 405, 410, 413 or 422, for example.",
    page: "The site did not accept this request.",
    certainty: "The status is the evidence. The details say who answered: `via_upstream` is the application.",
    checks: &[
        Check {
            what: "Which paths and clients are they? Many addresses that lead nowhere are usually a crawler, or a link that a release broke.",
            run: "tidegate explain ACCESS_LOG",
        },
        Check {
            what: "413 and 431: which limit is too small, Envoy's or the application's? The details name Envoy's own.",
            run: "grep REQUEST_ID ACCESS_LOG",
        },
    ],
    change: &[
        "Redirect addresses that have moved, and correct the links to them.",
        "Leave 4xx out of `intercept.statuses` if the application has pages of its own for them.",
    ],
    meanwhile: "A page is shown only if `intercept.statuses` lists the status. It says that the request was not accepted (404, 410: that the address leads nowhere), and never retries, except for 408 and 425. The response does not count against the upstream, unless `breaker.failures.statuses` lists the status.",
};
