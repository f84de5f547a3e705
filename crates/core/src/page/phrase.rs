//! Status phrases, as the IANA registry of HTTP status codes has them.

use crate::text::{decimal, split_once};

/// A line each, what pages are for first. As one text, because a table of them would need an address for each.
const PHRASES: &str = "\
500 Internal Server Error\n\
501 Not Implemented\n\
502 Bad Gateway\n\
503 Service Unavailable\n\
504 Gateway Timeout\n\
505 HTTP Version Not Supported\n\
506 Variant Also Negotiates\n\
507 Insufficient Storage\n\
508 Loop Detected\n\
511 Network Authentication Required\n\
400 Bad Request\n\
401 Unauthorized\n\
402 Payment Required\n\
403 Forbidden\n\
404 Not Found\n\
405 Method Not Allowed\n\
406 Not Acceptable\n\
407 Proxy Authentication Required\n\
408 Request Timeout\n\
409 Conflict\n\
410 Gone\n\
411 Length Required\n\
412 Precondition Failed\n\
413 Content Too Large\n\
414 URI Too Long\n\
415 Unsupported Media Type\n\
416 Range Not Satisfiable\n\
417 Expectation Failed\n\
421 Misdirected Request\n\
422 Unprocessable Content\n\
423 Locked\n\
424 Failed Dependency\n\
425 Too Early\n\
426 Upgrade Required\n\
428 Precondition Required\n\
429 Too Many Requests\n\
431 Request Header Fields Too Large\n\
451 Unavailable For Legal Reasons\n\
";

/// The phrase of `status`; for a code without one, the name of its class (RFC 9110 §15).
pub(super) fn status_phrase(status: u16) -> &'static str {
    let code = decimal(u64::from(status));
    // The only digits there are those of the codes.
    if let Some((phrase, _)) = split_once(PHRASES, &code)
        .filter(|_| status >= 100)
        .and_then(|(_, rest)| split_once(rest, "\n"))
    {
        return phrase.trim_ascii_start();
    }
    match status / 100 {
        1 => "Informational",
        2 => "Successful",
        3 => "Redirection",
        4 => "Client Error",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases() {
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
        assert!(PHRASES
            .lines()
            .all(|line| line.is_char_boundary(4) && !line.ends_with(' ')));
        assert_eq!(PHRASES.lines().count(), 38);
    }
}
