use quick_xml::events::Event;
use quick_xml::Reader;

use crate::config::{Config, Exposed};
use crate::http::format::Format;
use crate::page::tests::info;
use crate::page::{PageInfo, Pages};

proptest::proptest! {
    /// Whatever a client sends, the document is well-formed and its elements are the same.
    #[test]
    fn client_input_stays_text(path in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60), id in ".{0,20}", text in ".{0,40}") {
        let mut config = Config::default();
        config.security.expose = vec![Exposed::RequestId, Exposed::Path, Exposed::Timestamp];
        let pages = Pages::new(&config);
        let page = pages.render(&PageInfo { path: &path, request_id: Some(id.as_bytes()), problem_type_base: &text, ..info(Format::ProblemXml) });
        let text = String::from_utf8(page.body).unwrap();
        let mut reader = Reader::from_str(&text);
        let mut names = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) => names.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap()),
                Event::Eof => break,
                _ => {}
            }
        }
        names.retain(|name| name != "request_id" && name != "instance");
        proptest::prop_assert_eq!(names, ["problem", "type", "title", "status", "detail", "reason", "retryable", "retry_after", "retry_after_ms", "timestamp"]);
    }
}
