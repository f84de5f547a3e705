use proptest::prelude::*;

use super::*;

#[test]
fn get_returns_the_first_value_and_get_all_every_one() {
    let block = HeaderBlock::from_pairs(&[
        ("accept", &b"text/html"[..]),
        ("x-foo", b"a\xffb"),
        ("accept", b"*/*"),
    ]);
    assert_eq!(block.get("accept"), Some(&b"text/html"[..]));
    assert_eq!(block.get("x-foo"), Some(&b"a\xffb"[..]));
    assert_eq!(block.get("host"), None);
    assert_eq!(
        block.get_all("accept").collect::<Vec<_>>(),
        [&b"text/html"[..], b"*/*"]
    );
}

#[test]
fn an_inconsistent_block_ends_early() {
    let good = HeaderBlock::from_pairs(&[("a", "1"), ("b", "2")]);
    for cut in 0..good.as_wire().len() {
        let block = HeaderBlock::from_wire(good.as_wire()[..cut].to_vec());
        assert!(block.iter().count() < 2, "cut at {cut}");
    }
    let mut huge = vec![0xff; 64];
    assert_eq!(HeaderBlock::from_wire(huge.clone()).iter().count(), 0);
    huge[..4].copy_from_slice(&3_u32.to_le_bytes());
    assert_eq!(HeaderBlock::from_wire(huge).iter().count(), 0);
}

#[test]
fn list_members_match_in_any_case() {
    for (value, found) in [
        ("upgrade", true),
        ("keep-alive, Upgrade", true),
        ("keep-alive,\tUPGRADE ", true),
        ("upgraded", false),
        ("", false),
    ] {
        assert_eq!(list_has(value.as_bytes(), "upgrade"), found, "{value}");
    }
}

proptest! {
    #[test]
    fn decoding_inverts_encoding(
        pairs in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(any::<u8>(), 0..40)), 0..20)
    ) {
        let block = HeaderBlock::from_pairs(&pairs);
        let back: Vec<_> = block.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
        prop_assert_eq!(back, pairs);
    }

    #[test]
    fn any_bytes_can_be_iterated(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bound = bytes.len();
        prop_assert!(HeaderBlock::from_wire(bytes).iter().count() <= bound);
    }
}
