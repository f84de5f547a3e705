use super::*;

fn client(number: u32) -> ClientId {
    ClientId::of_bytes(&number.to_le_bytes())
}

#[test]
fn a_client_is_an_address_without_its_port_or_an_ipv6_network() {
    let of = |text: &str| ClientId::of_address(text.as_bytes());
    for (one, other, is_same) in [
        ("10.0.0.1:1", "10.0.0.1:2", true),
        ("10.0.0.1:1", "10.0.0.2:1", false),
        ("[::ffff:10.0.0.1]:1", "10.0.0.1:2", true),
        ("[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:1", true),
        ("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false),
        ("10.0.0.1:1", "/run/envoy.sock", false),
    ] {
        assert_eq!(of(one) == of(other), is_same, "{one} {other}");
    }
    for unknown in ["", "/run/envoy.sock", "envoy://internal", "10.0.0.1"] {
        assert_eq!(of(unknown), ClientId::UNKNOWN, "{unknown}");
    }
}

#[test]
fn the_more_clients_the_less_one_of_them_counts() {
    let mut clients = Clients::default();
    let mut parts = Vec::new();
    for number in 0..6 {
        clients.note(client(number), 1_000);
        clients.note(client(number), 1_000);
        parts.push(clients.parts(1_000));
    }
    assert_eq!(parts, [1, 2, 2, 3, 4, 4]);
    clients.note(client(1), 1_009);
    assert_eq!(clients.parts(1_010), 1, "the others left");
}

#[test]
fn a_client_counts_up_to_its_limit_in_a_window() {
    let mut clients = Clients::default();
    let mut count = |failed, bucket: u64| clients.count(client(1), failed, 5, 1_000 + bucket);
    assert_eq!(count(3, 0), 3);
    assert_eq!(count(3, 1), 2);
    assert_eq!(count(100, 9), 0);
    assert_eq!(count(100, 10), 5, "a new window");
}

#[test]
fn one_that_fails_often_is_found_among_many() {
    let mut clients = Clients::default();
    let mut counted = 0;
    for number in 0..1_000 {
        clients.count(client(number), 1, 50, 1_000);
        counted += clients.count(client(9_999), 1, 50, 1_000);
    }
    assert_eq!(counted, 50);
}

/// Each of a crowd fails once: none of them is alone, and all count.
#[test]
fn failures_of_many_clients_all_count() {
    let mut clients = Clients::default();
    let counted: u32 = (0..1_000)
        .map(|number| clients.count(client(number), 1, 5, 1_000))
        .sum();
    assert_eq!(counted, 1_000);
}

#[test]
fn a_client_has_failed_until_the_window_after_its_last_failure_is_over() {
    let mut clients = Clients::default();
    clients.note(client(1), 1_000);
    assert!(!clients.has_failed());
    clients.count(client(1), 9, 5, 1_000);
    // Not counted, but known.
    assert_eq!(clients.count(client(1), 9, 5, 1_009), 0);
    for (bucket, has_failed) in [(1_010, true), (1_018, true), (1_019, false)] {
        clients.age(bucket);
        assert_eq!(clients.has_failed(), has_failed, "{bucket}");
    }
}

#[test]
fn clients_of_the_future_are_forgotten_when_the_clock_was_set_back() {
    let mut clients = Clients::default();
    for number in 0..5 {
        clients.count(client(number), 1, 5, 1_000);
    }
    clients.age(500);
    assert!(!clients.has_failed());
    assert_eq!(clients.parts(500), 1);
}

#[test]
fn a_client_that_still_fails_keeps_its_count() {
    let mut clients = Clients::default();
    clients.count(client(1), 50, 5, 1_000);
    assert_eq!(clients.failed(client(1), 1_000), 0, "it may be a burst");
    assert_eq!(clients.failed(client(1), 1_001), 50);
    for bucket in 1_005..1_030 {
        clients.keep(client(1), bucket);
        assert_eq!(clients.failed(client(1), bucket), 50);
    }
    assert_eq!(clients.failed(client(1), 1_040), 0);
}

#[test]
fn a_client_that_asks_while_it_is_held_back_tries_again_with_a_quarter() {
    let mut clients = Clients::default();
    clients.count(client(1), 40, 5, 1_000);
    for bucket in 1_001..1_009 {
        clients.keep_failing(client(1), bucket);
        assert_eq!(clients.failed(client(1), bucket), 40, "{bucket}");
    }
    // Ten fewer: so many requests go on.
    clients.keep_failing(client(1), 1_009);
    assert_eq!(clients.failed(client(1), 1_009), 30);
    // Of the next failures as many count as of those before, since these are out of the window.
    assert_eq!(clients.count(client(1), 10, 5, 1_009), 4);
    assert_eq!(
        clients.failed(client(1), 1_009),
        40,
        "at once: it is no burst"
    );
    for bucket in 1_010..1_017 {
        clients.keep_failing(client(1), bucket);
        assert_eq!(clients.failed(client(1), bucket), 40, "{bucket}");
    }
    // It went away.
    assert_eq!(clients.failed(client(1), 1_018), 0);
    clients.age(1_026);
    assert!(!clients.has_failed());
}

#[test]
fn who_asks_and_did_not_fail_is_not_held_back() {
    let mut clients = Clients::default();
    clients.note(client(1), 1_000);
    for bucket in 1_000..1_030 {
        clients.keep_failing(client(1), bucket);
        assert!(!clients.has_failed());
    }
}
