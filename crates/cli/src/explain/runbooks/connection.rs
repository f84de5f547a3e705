//! Reasons for which Envoy had no connection, or lost it.

use super::{Check, Runbook};

pub(super) const REFUSED: Runbook = Runbook {
    means: "A host of the cluster refused Envoy's connection: the machine is up, but no process listens on that port. The request never reached the application.",
    page: "Our site cannot be reached at the moment.",
    certainty: "Certain if Envoy's details say `remote_connection_failure` and the transport failure reason says \"Connection refused\". \
        The flag `UF` alone stands for any connection that could not be established: the port refused, the host is unreachable, or TLS failed.",
    checks: &[
        Check {
            what: "Is the process running, and does it listen on the port that Envoy connects to, on an address other than 127.0.0.1?",
            run: "ss -ltnp 'sport = :PORT'    # on the host",
        },
        Check {
            what: "Did a release, a restart or a scale-down start shortly before? A host must leave the cluster before its process ends.",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::.*(health_flags|cx_connect_fail)'",
        },
        Check {
            what: "Does one host fail, or do all? One: look at that host. All: check the port, the service and firewalls.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_cx_connect_fail\"",
        },
    ],
    change: &[
        "Let a host fail its health checks first, and end its process only after Envoy has removed it (drain time).",
        "Add health checks or outlier detection to the cluster, so that hosts that refuse connections get no traffic.",
        "Add `retry_on: connect-failure` to the route: a request that was never sent can safely go to another host.",
    ],
    meanwhile: "The response counts as a failure: when the route's failures reach the breaker's limits, the circuit opens, and the upstream gets no traffic until probes succeed.",
};

pub(super) const TIMEOUT: Runbook = Runbook {
    means: "Envoy's connection attempt got no answer within `connect_timeout`: packets are dropped on the way, or the host is down or too busy to accept connections. The request never reached the application.",
    page: "Our site cannot be reached at the moment.",
    certainty: "Certain if the details say `connection_timeout`. In a log without details, a connection that timed out has the flag `UF`, like a refused one, and is classified as `connection_refused`.",
    checks: &[
        Check {
            what: "Can the host be reached from the machine that Envoy runs on? A firewall or security group that drops packets looks like this.",
            run: "nc -vz -w 3 HOST PORT",
        },
        Check {
            what: "Is the address still correct? A replaced machine leaves stale addresses behind.",
            run: "curl -s $ADMIN/clusters | grep CLUSTER::",
        },
        Check {
            what: "Is the host's listen queue full? Then it is overloaded rather than down.",
            run: "ss -ltn 'sport = :PORT'    # on the host: Recv-Q near Send-Q",
        },
        Check {
            what: "How many connections time out, and since when?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_cx_connect_timeout\"",
        },
    ],
    change: &[
        "Open the firewall for Envoy's addresses, or remove the stale address from the cluster.",
        "Add active health checks: they detect a dead host without making a visitor wait.",
        "Lower `connect_timeout` on a near network: visitors should not wait 5 s for a connection that will not come.",
    ],
    meanwhile: "The response counts as a failure, an expensive one, since each visitor waits for `connect_timeout`. While the circuit is open, visitors get their answer at once.",
};

pub(super) const TERMINATED: Runbook = Runbook {
    means: "The upstream closed or reset the connection before it answered. The request may or may not \
        have been processed.",
    page: "Our site could not show this page.",
    certainty: "Certain that the connection ended. The details do not say whether the process died, a proxy in between gave up, or an idle connection was closed just as it was reused.",
    checks: &[
        Check {
            what: "Did the process crash or run out of memory? Then all its requests fail in the same second.",
            run: "dmesg | grep -i -E 'oom|killed process'    # on the host; in Kubernetes: kubectl describe pod POD",
        },
        Check {
            what: "Do a few requests fail all the time, mostly on quiet routes? Then the upstream closes idle connections before Envoy does.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_cx_destroy_remote_with_active_rq\"",
        },
        Check {
            what: "Did a release end the old processes without letting them finish?",
            run: "",
        },
        Check {
            what: "Does something in between cut connections: a load balancer, a NAT timeout, a firewall?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_rq_rx_reset\"",
        },
    ],
    change: &[
        "Let Envoy close first: set the cluster's `common_http_protocol_options.idle_timeout` below the upstream's keep-alive timeout.",
        "Add `retry_on: reset-before-request`, and also `reset` on routes whose requests may be sent twice.",
        "Give the application time to finish its requests on shutdown.",
    ],
    meanwhile: "The response counts as a failure. The page tells a visitor who submitted a form that it may or may not have been processed, and never submits it again by itself.",
};

pub(super) const TLS_PROTOCOL: Runbook = Runbook {
    means: "Envoy connected, but the TLS handshake with the upstream failed before a certificate was verified: the upstream does not speak TLS, or both sides share no version or cipher.",
    page: "Our site cannot be reached at the moment.",
    certainty: "Certain if the transport failure reason contains `TLS_error`; `WRONG_VERSION_NUMBER` means that the upstream did not answer in TLS. By flags alone it cannot be distinguished from a refused connection.",
    checks: &[
        Check {
            what: "What does the upstream answer to a TLS handshake? \"wrong version number\" means that it speaks plain HTTP on this port.",
            run: "openssl s_client -connect HOST:PORT -servername NAME </dev/null",
        },
        Check {
            what: "Is it the right port? Usual causes: 80 and 443 are swapped, or TLS moved to a sidecar.",
            run: "curl -s \"$ADMIN/config_dump?resource=dynamic_active_clusters\" | grep -A3 transport_socket",
        },
        Check {
            what: "Does the upstream require a client certificate that Envoy does not have, or an SNI that Envoy does not send?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.ssl.connection_error\"",
        },
    ],
    change: &[
        "Align both sides: `transport_socket` of the cluster, port, `sni`, `tls_params`, client certificate.",
        "Change TLS in two steps: first let the upstream accept both, then switch Envoy.",
    ],
    meanwhile: "The response counts as a failure. The page does not retry and gives no time to retry: retrying does not help until the configuration changes.",
};

pub(super) const TLS_CERTIFICATE: Runbook = Runbook {
    means: "Envoy did not accept the upstream's certificate: it has expired, is for another name, or is signed by an authority that Envoy does not trust. Or the upstream did not accept Envoy's certificate.",
    page: "Our site cannot be reached at the moment.",
    certainty: "Certain if the transport failure reason mentions a certificate; it says what is wrong (`expired`, `verify_SAN`, \
        `unable to get local issuer`). By flags alone it cannot be distinguished from a refused connection.",
    checks: &[
        Check {
            what: "Who issued the certificate, for which names, and until when?",
            run: "openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName",
        },
        Check {
            what: "Which authorities does Envoy trust, which certificate does it present, and when do they expire?",
            run: "curl -s $ADMIN/certs",
        },
        Check {
            what: "Which verification failed: signature, name, or was no certificate presented?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.ssl.fail_verify\"",
        },
        Check {
            what: "Was a certificate renewed shortly before, and did every host load it?",
            run: "",
        },
    ],
    change: &[
        "Renew the certificate, and monitor its expiry.",
        "Set `sni` and `match_typed_subject_alt_names` to the names in the certificate.",
        "Add a new authority to Envoy's `trusted_ca` before the first certificate that it signs.",
    ],
    meanwhile: "The response counts as a failure. The page does not retry and gives no time to retry: retrying does not help until the configuration changes.",
};

pub(super) const DNS: Runbook = Runbook {
    means: "The name of the upstream could not be resolved, so there was no address to connect to.",
    page: "Our site cannot be reached at the moment.",
    certainty: "Certain: Envoy resolves the name for each request (dynamic forward proxy). A cluster of type STRICT_DNS or LOGICAL_DNS whose name cannot be resolved keeps its last addresses or has none, which leads to `destination_unavailable` or to failures of stale addresses.",
    checks: &[
        Check {
            what: "Does the name server that Envoy uses resolve the name?",
            run: "dig +short NAME; dig +short NAME @NAMESERVER",
        },
        Check {
            what: "Was the record changed, or did the domain expire? Answers stay cached for their TTL, wrong ones too.",
            run: "dig NAME +noall +answer; dig NAME NS +short",
        },
        Check {
            what: "Are the name servers reachable, and how do queries fail?",
            run: "curl -s \"$ADMIN/stats?filter=dns_query|dns.cares\"",
        },
        Check {
            what: "Does the request name a host that never existed? Then it is a client error, and the route should not forward it.",
            run: "",
        },
    ],
    change: &[
        "Correct the record; lower its TTL a day before a planned move, and raise it afterwards.",
        "Configure more than one resolver near Envoy.",
        "Restrict a dynamic forward proxy to known names.",
    ],
    meanwhile: "The response counts as a failure: an open circuit also relieves the name server.",
};
