use super::*;

#[test]
fn visitors_ask_for_all_paths_by_their_share_and_never_for_the_broken_one() {
    assert_eq!(PATHS.iter().map(|(_, share)| share).sum::<u64>(), 100);
    let (mut rng, mut counts) = (Stream::new(1, 4), [0_u64; PATHS.len()]);
    for _ in 0..100_000 {
        counts[SitePath::draw(&mut rng).0] += 1;
    }
    for ((path, share), count) in PATHS.iter().zip(counts) {
        assert!(count.abs_diff(share * 1000) < 500, "{path}: {count}");
    }
}

#[test]
fn each_path_has_a_class_of_its_own() {
    let mut callers = Callers::new();
    for (path, class) in [
        (SitePath(0), "shop.example/"),
        (SitePath::BROKEN, "shop.example/api/v1/messages/"),
    ] {
        let asker = Asker {
            path,
            address: address(1),
        };
        let caller = callers.get(asker, true);
        assert_eq!(caller.class.prefix(9), class);
        assert_eq!(caller.client, address(1));
        assert_eq!(callers.get(asker, false), &Caller::default());
    }
}

#[test]
fn each_number_has_an_address_of_its_own() {
    let mut all: Vec<ClientId> = (0..100_000).map(address).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 100_000);
    assert!(!all.contains(&ClientId::UNKNOWN));
}
