use super::*;

#[test]
fn only_a_uuid_is_an_instance() {
    for (text, expected) in [
        ("6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11", true),
        ("6F1C0C3E-6B0F-4A52-9D2E-0A8F2F6A1B11", true),
        ("6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b1", false),
        ("6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b111", false),
        ("6f1c0c3e06b0f-4a52-9d2e-0a8f2f6a1b11", false),
        ("6g1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11", false),
        ("", false),
    ] {
        assert_eq!(is_uuid(text), expected, "{text}");
    }
}
