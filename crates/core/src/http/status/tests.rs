use super::StatusSet;

#[test]
fn contains_exactly_the_inserted_statuses_in_range() {
    let mut set = StatusSet::empty();
    assert!(set.is_empty());
    set.insert_range(502, 504);
    set.insert_range(599, 700);
    set.insert_range(0, 100);
    for status in 0..1000 {
        let expected = matches!(status, 100 | 502..=504 | 599);
        assert_eq!(set.contains(status), expected, "{status}");
    }
    assert_eq!(format!("{set:?}"), "[100..=100, 502..=504, 599..=599]");
    assert_eq!(format!("{:?}", StatusSet::empty()), "[]");
    let mut other = StatusSet::empty();
    other.insert_range(200, 200);
    other.insert_range(504, 504);
    set.insert_all(&other);
    assert_eq!(
        format!("{set:?}"),
        "[100..=100, 200..=200, 502..=504, 599..=599]"
    );
}
