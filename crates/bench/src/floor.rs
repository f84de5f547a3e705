//! A hand-written module with the minimal cost of what Tidegate has to read: it only makes host calls.
//!
//! It reads all request headers, since Envoy no longer has them when the response arrives; the
//! status; and for a failure the response's headers and Envoy's details. It answers a failure with
//! the headers and the page of Tidegate. Memory from the host comes from an arena that is reset
//! with each request, and only the callbacks for headers, body and end are exported. The difference
//! to Tidegate is the cost of Tidegate's own code.

use tidegate_core::http::headers::HeaderBlock;
use tidegate_e2e::message::Response;

/// Addresses in the module's memory.
const PAGE: usize = 1 << 16;
const HEADERS: usize = 1 << 15;
const LOCAL: usize = 3 << 14;

/// Returns the module that answers failures with `page`.
pub(crate) fn module(page: &Response) -> Vec<u8> {
    let mut pairs = Vec::new();
    // Headers that Envoy sets itself would appear twice.
    let own = |name: &str| {
        !matches!(
            name,
            "date" | "server" | "transfer-encoding" | "content-length"
        )
    };
    for (name, value) in page.headers.0.iter().filter(|(name, _)| own(name)) {
        pairs.push((name.clone(), value.clone()));
    }
    // The headers of a local reply. With two more they are those of a rewritten response.
    let local = HeaderBlock::from_pairs(&pairs);
    let number = |number: usize| number.to_string().into_bytes();
    pairs.insert(0, (":status".to_owned(), number(page.status.into())));
    pairs.push(("content-length".to_owned(), number(page.body.len())));
    let headers = HeaderBlock::from_pairs(&pairs);
    let (headers, local) = (headers.as_wire(), local.as_wire());
    let text = WAT
        .replace("$HEADERS_LENGTH", &headers.len().to_string())
        .replace("$HEADERS_BYTES", &escaped(headers))
        .replace("$LOCAL_LENGTH", &local.len().to_string())
        .replace("$LOCAL_BYTES", &escaped(local))
        .replace("$LOCAL", &LOCAL.to_string())
        .replace("$HEADERS", &HEADERS.to_string())
        .replace("$PAGE_LENGTH", &page.body.len().to_string())
        .replace("$PAGE_BYTES", &escaped(&page.body))
        .replace("$PAGE", &PAGE.to_string());
    wat::parse_str(&text).expect("floor.wat")
}

const WAT: &str = include_str!("floor.wat");

/// Escapes bytes for a string of the text format.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}
