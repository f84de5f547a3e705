use super::*;

const WINDOW: Duration = Duration::from_secs(10);

fn at(s: u64) -> Timestamp {
    Timestamp::from_millis((1_000_000 + s) * 1_000)
}

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
        clients.note(client(number), at(0), WINDOW);
        clients.note(client(number), at(0), WINDOW);
        parts.push(clients.parts(at(0), WINDOW));
    }
    assert_eq!(parts, [1, 2, 2, 3, 4, 4]);
    clients.note(client(1), at(9), WINDOW);
    assert_eq!(clients.parts(at(10), WINDOW), 1, "the others left");
}

#[test]
fn a_client_counts_up_to_its_limit_in_a_window() {
    let mut clients = Clients::default();
    let mut count = |failed, s| clients.count(client(1), failed, 5, at(s), WINDOW);
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
        clients.count(client(number), 1, 50, at(0), WINDOW);
        counted += clients.count(client(9_999), 1, 50, at(0), WINDOW);
    }
    assert!(counted <= 50, "{counted}");
}

#[test]
fn others_ask_if_they_were_seen_lately() {
    let mut clients = Clients::default();
    clients.note(client(1), at(0), WINDOW);
    assert!(!clients.others_ask(client(1), at(0)));
    assert!(clients.others_ask(client(2), at(2)));
    assert!(!clients.others_ask(client(2), at(3)));
}
