//! Finds resources that `kubectl apply` refuses. It keeps a copy of the resource in an annotation, whose size is limited.

use crate::source::{parse_yaml, Node};

/// The most bytes that the annotations of an object may have (`TotalAnnotationSizeLimitB` of the Kubernetes API).
const LIMIT: usize = 256 << 10;
/// The annotation of a client-side `kubectl apply`.
const NAME: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns what to say about a resource that only a server-side apply accepts.
pub(super) fn warning(resource: &str) -> Option<String> {
    let bytes = NAME.len() + annotation_bytes(&parse_yaml(resource)?);
    (bytes >= LIMIT).then(|| {
        format!(
            "use `kubectl apply --server-side`: `kubectl apply` keeps the resource in an annotation, which would \
             have {bytes} of {LIMIT} bytes"
        )
    })
}

/// Returns the length of a resource as `kubectl` writes it: as JSON on one line, in which Go escapes the characters
/// that mean something in HTML.
fn annotation_bytes(resource: &Node) -> usize {
    let json = serde_json::to_string(resource).unwrap_or_default();
    let escaped = json.chars().map(|character| match character {
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => "\\u0000".len(),
        _ => character.len_utf8(),
    });
    escaped.sum::<usize>() + "\n".len()
}
