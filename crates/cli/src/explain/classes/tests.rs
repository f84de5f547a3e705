use super::*;

type Small = Classes<u64, 4>;

fn sorted(classes: &Small) -> Vec<(&str, u64)> {
    let mut all: Vec<_> = classes.below("").map(|(name, &n)| (name, n)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_prefix_ends_between_components() {
    for (name, prefix, expected) in [
        ("a/users/1", "", Some("a")),
        ("a/users/1", "a", Some("a/users")),
        ("a/users/1", "a/users", Some("a/users/1")),
        ("a/users/1", "a/users/1", None),
        ("a/users/1", "a/us", None),
        ("a/users/", "a/users", Some("a/users/")),
        ("a/", "a", Some("a/")),
        ("a//x", "a", Some("a/")),
        ("a//x", "a/", Some("a//x")),
        ("b/x", "a", None),
    ] {
        assert_eq!(next(name, prefix), expected, "{name} below {prefix}");
    }
}

#[test]
fn low_counts_are_merged_into_the_prefix_they_share() {
    let mut classes = Small::default();
    *classes.at("a/shop/") += 100;
    for user in 0..1_000 {
        *classes.at(&format!("a/users/{user}/")) += 1;
        assert!(classes.counts.len() <= 8);
        if user % 3 == 0 {
            *classes.at("a/users/me/") += 1;
        }
    }
    classes.fold();
    let kept: Vec<_> = sorted(&classes);
    assert_eq!(kept.iter().map(|(_, n)| n).sum::<u64>(), 1_434);
    assert_eq!(kept[0], ("a/shop/", 100));
    let below: u64 = classes.below("a/users").map(|(_, n)| n).sum();
    assert_eq!(below, 1_334);
    assert!(kept.contains(&("a/users/me/", 334)), "{kept:?}");
}

/// Made-up hosts end as one count of the route.
#[test]
fn without_a_shared_prefix_the_route_counts() {
    let mut classes = Small::default();
    for host in 0..100 {
        *classes.at(&format!("{host}.example/x/y/")) += 1;
    }
    classes.fold();
    let total: u64 = classes.below("").map(|(_, n)| n).sum();
    assert_eq!(total, 100);
    assert!(classes.counts.len() <= 4);
    assert!(*classes.at("") > 90, "{classes:?}");
}

#[test]
fn parts_of_a_log_give_the_same_counts_up_to_the_limit() {
    let names = ["a/", "a/x/", "b/y/z/", "a/x/"];
    let mut whole = Small::default();
    names.iter().for_each(|name| *whole.at(name) += 1);
    let mut merged = Small::default();
    for name in names {
        let mut part = Small::default();
        *part.at(name) += 1;
        merged.absorb(part);
    }
    assert_eq!(merged, whole);
    assert_eq!(sorted(&whole), [("a/", 1), ("a/x/", 2), ("b/y/z/", 1)]);
}
