//! The least that any module costs which reads what Tidegate has to: a module by hand, without a
//! line of its own between the calls.
//!
//! It takes all request headers, since in Envoy they are gone when the response comes; the status;
//! and of a failure the response's headers and Envoy's details. It answers a failure with the very
//! headers and page of Tidegate. Memory for what the host hands over is an arena that begins anew
//! with each request, and it is told of nothing but headers, body and end. What Tidegate costs more
//! is what Tidegate does; what this costs, nobody can save.

use tidegate_core::headers::HeaderBlock;
use tidegate_e2e::message::Response;

/// Where things lie in the module's memory.
const PAGE: usize = 1 << 16;
const HEADERS: usize = 1 << 15;
const LOCAL: usize = 3 << 14;

/// Makes the module that answers failures as `page` does.
pub(crate) fn module(page: &Response) -> Vec<u8> {
    let mut pairs = Vec::new();
    // Those that Envoy sets itself would be there twice.
    let own = |name: &str| {
        !matches!(
            name,
            "date" | "server" | "transfer-encoding" | "content-length"
        )
    };
    for (name, value) in page.headers.0.iter().filter(|(name, _)| own(name)) {
        pairs.push((name.clone(), value.clone()));
    }
    // Those of a local reply; with two more they are those of a rewritten response.
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

/// Bytes in a string of the text format.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}
