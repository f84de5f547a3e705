use super::*;

#[test]
fn keeps_the_current_and_the_previous_release() {
    let mut releases = Releases::default();
    let mut story = String::new();
    for (ms, seen) in [
        (0, ""),
        (1, "v1"),
        (2, "v1"),
        (1_000, "v2"),
        // Both respond while it is rolled out.
        (2_000, "v1"),
        (3_000, "v2"),
        (4_000, "v1"),
        // It was rolled back.
        (63_000, "v1"),
        (64_000, "\u{7f}"),
        (65_000, ""),
    ] {
        releases.note(seen.as_bytes(), Timestamp::from_millis(ms));
        let name = |release: &Option<String>| release.as_deref().unwrap_or("-").to_owned();
        story += &format!(
            "{} {} {}\n",
            name(&releases.previous),
            name(&releases.current),
            releases.since.as_millis()
        );
    }
    assert_eq!(
        story,
        "- - 0\n- v1 1\n- v1 1\nv1 v2 1000\nv1 v2 1000\nv1 v2 1000\nv1 v2 1000\n\
         v2 v1 63000\nv1 \u{7f} 64000\nv1 \u{7f} 64000\n"
    );
}

#[test]
fn long_names_are_cut_and_invalid_utf8_is_ignored() {
    let mut releases = Releases::default();
    releases.note(&[b'a'; 200], Timestamp::from_millis(1));
    assert_eq!(releases.current.as_deref().map(str::len), Some(MAX_BYTES));
    releases.note(b"\xff", Timestamp::from_millis(2));
    assert_eq!(releases.previous, None);
}
