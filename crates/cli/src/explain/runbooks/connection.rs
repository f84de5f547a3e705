//! No connection, or none that lasted.

use super::{Check, Runbook};

pub(super) const REFUSED: Runbook = Runbook {
    means: "Envoy asked a host of the cluster for a connection and was refused: the machine is there, but nobody \
        listens on that port. The request never reached the application.",
    page: "The server behind this site is not accepting connections at the moment.",
    certainty: "Sure where Envoy's details say `remote_connection_failure` and the transport \"Connection refused\". \
        The flag `UF` alone stands for any connection that could not be made: to a port that refuses, to a host \
        that is not there, by TLS that failed.",
    checks: &[
        Check {
            what: "Is the process up, and does it listen on the port that Envoy asks for, on an address other than 127.0.0.1?",
            run: "ss -ltnp 'sport = :PORT'    # on the host",
        },
        Check {
            what: "Did a release, a restart or a scale-down begin just before? A host that goes must leave the cluster first.",
            run: "curl -s $ADMIN/clusters | grep -E 'CLUSTER::.*(health_flags|cx_connect_fail)'",
        },
        Check {
            what: "One host or all of them? One: that host. All: the port, the service, or a firewall that rejects.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_cx_connect_fail\"",
        },
    ],
    change: &[
        "Let a host fail its health checks first, and end its process only when Envoy has taken it out (drain time).",
        "Add health checks or outlier detection to the cluster, so that a host that refuses is left out.",
        "Add `retry_on: connect-failure` to the route: what was never sent can safely be sent to another host.",
    ],
    meanwhile: "It counts as a failure: when the route's failures reach the breaker's limits, the circuit opens and the \
        upstream is spared until a probe succeeds.",
};

pub(super) const TIMEOUT: Runbook = Runbook {
    means: "Envoy asked for a connection and heard nothing within `connect_timeout`: packets are dropped on the way, or the \
        host is gone or too busy to take connections. The request never reached the application.",
    page: "The server behind this site could not be reached in time.",
    certainty: "Sure where the details say `connection_timeout`. Where a log has flags alone, a connection that timed out \
        has `UF`, like one that was refused, and is named `connection_refused`.",
    checks: &[
        Check {
            what: "Does the host answer from the machine that Envoy runs on? A firewall or security group that drops looks just like this.",
            run: "nc -vz -w 3 HOST PORT",
        },
        Check {
            what: "Is the address still right? A machine that was replaced leaves addresses behind at which nobody is.",
            run: "curl -s $ADMIN/clusters | grep CLUSTER::",
        },
        Check {
            what: "Is the host's queue of connections full? Then it is overloaded rather than away.",
            run: "ss -ltn 'sport = :PORT'    # on the host: Recv-Q near Send-Q",
        },
        Check {
            what: "How many, and since when?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_cx_connect_timeout\"",
        },
    ],
    change: &[
        "Open the firewall for the addresses of Envoy, or take the dead address out of the cluster.",
        "Add active health checks: they find a dead host without a visitor waiting for it.",
        "Lower `connect_timeout` where the network is near: nobody should wait 5 s to learn that there is no connection.",
    ],
    meanwhile: "It counts as a failure, and an expensive one, since each visitor waits for `connect_timeout`. With an open \
        circuit the answer comes at once.",
};

pub(super) const TERMINATED: Runbook = Runbook {
    means: "There was a connection, and the upstream closed or reset it before it had answered. The request may or may not \
        have been processed.",
    page: "The server behind this site hung up before it had answered.",
    certainty: "Sure that the connection ended. Whether the process died, a proxy in between gave up, or a connection that \
        had been idle for long was closed just when it was used again, the details do not tell.",
    checks: &[
        Check {
            what: "Did the process crash or run out of memory? Then all its requests end in the same second.",
            run: "dmesg | grep -i -E 'oom|killed process'    # on the host; in Kubernetes: kubectl describe pod POD",
        },
        Check {
            what: "A few all the time, and mostly on quiet routes? Then the upstream closes idle connections before Envoy does.",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_cx_destroy_remote_with_active_rq\"",
        },
        Check {
            what: "Did a release end the old processes without letting them finish?",
            run: "",
        },
        Check {
            what: "Does something between the two cut connections: a load balancer, a NAT with a time-out, a firewall?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.upstream_rq_rx_reset\"",
        },
    ],
    change: &[
        "Let Envoy close first: set the cluster's `common_http_protocol_options.idle_timeout` below the upstream's keep-alive time-out.",
        "Add `retry_on: reset-before-request`, and `reset` too for routes whose requests may be sent twice.",
        "Give the application time to finish its requests when it is told to end.",
    ],
    meanwhile: "It counts as a failure. The page tells a visitor who sent a form that it may or may not have been processed, \
        and never sends it again by itself.",
};

pub(super) const TLS_PROTOCOL: Runbook = Runbook {
    means: "The connection was there, but TLS with the upstream failed before any certificate was judged: the other side does \
        not speak TLS, or no version or cipher suits both.",
    page: "Two of our servers could not agree on a secure connection with each other.",
    certainty: "Sure where the transport failure reason holds `TLS_error`; `WRONG_VERSION_NUMBER` there means that the answer was no \
        TLS at all. With flags alone it cannot be told from a connection that was refused.",
    checks: &[
        Check {
            what: "What does the upstream answer to a TLS hello? \"wrong version number\": it speaks plain HTTP on this port.",
            run: "openssl s_client -connect HOST:PORT -servername NAME </dev/null",
        },
        Check {
            what: "Is it the right port? 80 and 443 swapped, or TLS moved to a sidecar, are the usual causes.",
            run: "curl -s \"$ADMIN/config_dump?resource=dynamic_active_clusters\" | grep -A3 transport_socket",
        },
        Check {
            what: "Does the upstream ask for a certificate of the client that Envoy does not have, or for an SNI that it does not send?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.ssl.connection_error\"",
        },
    ],
    change: &[
        "Match both sides: `transport_socket` of the cluster, port, `sni`, `tls_params`, client certificate.",
        "Change TLS in two steps: first let the upstream take both, then move Envoy over.",
    ],
    meanwhile: "It counts as a failure. The page does not come back by itself and gives no time: trying again will not help until \
        somebody changes something.",
};

pub(super) const TLS_CERTIFICATE: Runbook = Runbook {
    means: "The upstream's certificate was not accepted: it has expired, is for another name, or is signed by an authority that \
        Envoy does not trust. Or the upstream did not accept that of Envoy.",
    page: "One of our servers could not prove its identity to another.",
    certainty: "Sure where the transport failure reason speaks of a certificate; it says which of them it was (`expired`, `verify_SAN`, \
        `unable to get local issuer`). With flags alone it cannot be told from a connection that was refused.",
    checks: &[
        Check {
            what: "Whose, for which names, and until when is it?",
            run: "openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName",
        },
        Check {
            what: "What does Envoy trust, what does it show itself, and when do these expire?",
            run: "curl -s $ADMIN/certs",
        },
        Check {
            what: "Which check failed: the signature, the name, or none was shown?",
            run: "curl -s \"$ADMIN/stats?filter=^cluster.CLUSTER.ssl.fail_verify\"",
        },
        Check {
            what: "Was a certificate renewed just before, and did every host load it?",
            run: "",
        },
    ],
    change: &[
        "Renew the certificate, and have its expiry watched.",
        "Match `sni` and `match_typed_subject_alt_names` with the names in it.",
        "Bring the new authority to Envoy's `trusted_ca` before the first certificate that it signs.",
    ],
    meanwhile: "It counts as a failure. The page does not come back by itself and gives no time: trying again will not help until \
        somebody changes something.",
};

pub(super) const DNS: Runbook = Runbook {
    means: "The name of the upstream could not be resolved, so there was no address to connect to.",
    page: "The address of the server behind this site could not be found.",
    certainty: "Sure: Envoy resolved the name for this very request (dynamic forward proxy). A cluster of the type STRICT_DNS or \
        LOGICAL_DNS whose name cannot be resolved keeps its last addresses, or has none: that is `destination_unavailable`, or \
        what comes of old addresses.",
    checks: &[
        Check {
            what: "Does the name resolve, by the name server that Envoy asks?",
            run: "dig +short NAME; dig +short NAME @NAMESERVER",
        },
        Check {
            what: "Was the record changed, or did the domain expire? Old answers live on for their TTL, wrong ones as well.",
            run: "dig NAME +noall +answer; dig NAME NS +short",
        },
        Check {
            what: "Are the name servers themselves reachable, and how do their answers fail?",
            run: "curl -s \"$ADMIN/stats?filter=dns_query|dns.cares\"",
        },
        Check {
            what: "Does the request name a host that never existed? Then it is the client's mistake, and the route should not forward it.",
            run: "",
        },
    ],
    change: &[
        "Correct the record; lower its TTL a day before a planned move, and raise it afterwards.",
        "Give Envoy more than one resolver, near to it.",
        "Let a dynamic forward proxy forward to known names only.",
    ],
    meanwhile: "It counts as a failure: with an open circuit the name server is spared too.",
};
