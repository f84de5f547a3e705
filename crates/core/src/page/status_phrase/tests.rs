use super::*;

#[test]
fn a_code_without_a_phrase_has_the_name_of_its_class() {
    for (status, phrase) in [
        (400, "Bad Request"),
        (418, "Client Error"),
        (431, "Request Header Fields Too Large"),
        (502, "Bad Gateway"),
        (511, "Network Authentication Required"),
        (599, "Server Error"),
        (302, "Redirection"),
        (50, "Server Error"),
    ] {
        assert_eq!(status_phrase(status), phrase, "{status}");
    }
}
