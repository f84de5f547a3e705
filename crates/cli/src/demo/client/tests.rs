use super::*;

fn answer(head: &str, body: &str) -> Answer {
    read(format!("HTTP/1.1 {head}\r\n\r\n{body}").as_bytes()).unwrap()
}

#[test]
fn an_answer_says_what_a_visitor_gets() {
    let shop = answer("200 OK\r\ncontent-type: text/html", "<h1>Coffee</h1>");
    assert!(shop.is_served());
    assert_eq!(shop.words(), "the shop");
    let mut page = answer(
        "503 Service Unavailable\r\nX-Tidegate-Page: 1\r\nretry-after: 4",
        "{\"title\":\"x\",\"reason\":\"circuit_open\",\"retry_after\":4}",
    );
    assert!(!page.is_served());
    assert_eq!(page.words(), "Tidegate's page: 503, circuit_open");
    assert_eq!((page.hint_s, page.pass.as_deref()), (Some(4), None));
    page.took = Duration::from_millis(2_100);
    assert_eq!(
        page.words(),
        "Tidegate's page: 503, circuit_open, after 2 s"
    );
    let own = answer("502 Bad Gateway\r\ncontent-length: 2", "no");
    assert_eq!(own.words(), "the application's own response: 502");
}

#[test]
fn a_pass_is_the_cookie_without_its_attributes() {
    let let_in = answer(
        "200 OK\r\nset-cookie: tidegate-pass=abc; Path=/; HttpOnly",
        "",
    );
    assert_eq!(let_in.pass.as_deref(), Some("tidegate-pass=abc"));
}

#[test]
fn what_is_no_answer_is_an_error() {
    for bytes in ["", "HTTP/1.1 200 OK\r\nx: y", "nonsense\r\n\r\n"] {
        assert!(read(bytes.as_bytes()).is_err(), "{bytes}");
    }
}
