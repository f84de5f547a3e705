use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

fn get(port: u16, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

const HOME: &str = "GET / HTTP/1.1\r\nconnection: close\r\n\r\n";

#[test]
fn every_mode_has_its_serialized_name() {
    for mode in Mode::ALL {
        assert_eq!(serde_json::to_value(mode).unwrap(), mode.word());
    }
}

#[test]
fn down_mode_refuses_connections_and_keeps_the_port() {
    let site = Site::start().unwrap();
    let port = site.port();
    assert!(get(port, HOME).unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    for _ in 0..3 {
        site.switch(Mode::Down, Instant::now()).unwrap();
        let refused = get(port, HOME).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        site.switch(Mode::Fine, Instant::now()).unwrap();
        assert_eq!(site.port(), port);
        assert!(get(port, HOME).unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

#[test]
fn going_down_ends_open_connections() {
    let site = Site::start().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", site.port())).unwrap();
    stream.write_all(b"HEAD / HTTP/1.1\r\n\r\n").unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    site.switch(Mode::Down, Instant::now()).unwrap();
    let mut rest = Vec::new();
    // The read returns, with or without an error, since the connection has ended.
    let _ = stream.read_to_end(&mut rest);
}

#[test]
fn leaving_slow_mode_answers_waiting_requests() {
    let site = Site::start().unwrap();
    site.switch(Mode::Slow, Instant::now()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", site.port())).unwrap();
    stream.write_all(HOME.as_bytes()).unwrap();
    site.switch(Mode::Fine, Instant::now()).unwrap();
    let start = Instant::now();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(start.elapsed() < SLOW);
}

#[test]
fn bad_gateway_mode_answers_502_with_the_shops_own_page() {
    let site = Site::start().unwrap();
    site.switch(Mode::BadGateway, Instant::now()).unwrap();
    let answer = get(site.port(), HOME).unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n") && answer.ends_with(UGLY));
}

#[test]
fn flapping_mode_alternates_by_the_given_clock() {
    let site = Site::start().unwrap();
    let start = Instant::now();
    site.switch(Mode::Flapping, start).unwrap();
    let table = [
        (FLAP / 2, false),
        (FLAP, true),
        (FLAP * 3 / 2, true),
        (FLAP * 2, false),
    ];
    for (after, up) in table {
        site.tick(start + after).unwrap();
        assert_eq!(
            site.state(),
            State {
                mode: Mode::Flapping,
                up
            },
            "after {after:?}"
        );
        assert_eq!(get(site.port(), HOME).is_ok(), up, "after {after:?}");
    }
    site.switch(Mode::Fine, start).unwrap();
    assert!(!site.tick(start + FLAP * 9).unwrap());
    assert!(site.state().up);
}

#[test]
fn orders_are_accepted_and_unknown_paths_are_not_found() {
    let site = Site::start().unwrap();
    let order = "POST /order HTTP/1.1\r\ncontent-length: 9\r\nconnection: close\r\n\r\nbean=quay";
    assert!(get(site.port(), order).unwrap().contains("Thank you"));
    let lost = "GET /?q / HTTP/1.1\r\nconnection: close\r\n\r\n";
    assert_eq!(get(site.port(), lost).unwrap(), "", "not HTTP: no answer");
    let lost = "GET /x?y=/ HTTP/1.1\r\nconnection: close\r\n\r\n";
    assert!(get(site.port(), lost)
        .unwrap()
        .starts_with("HTTP/1.1 404 Not Found\r\n"));
}
