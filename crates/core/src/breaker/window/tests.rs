use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn failed(n: u32) -> Counts {
    Counts {
        total: n,
        failed: n,
        slow: 0,
    }
}

#[test]
fn forgets_what_is_out_of_the_window() {
    let mut window = Window::default();
    window.count(100, failed(1));
    window.count(105, failed(2));
    assert_eq!(window.sum().failed, 3);
    window.advance(109);
    assert_eq!(window.sum().failed, 3);
    window.advance(110);
    assert_eq!(window.sum().failed, 2);
    window.count(105, failed(4));
    assert_eq!(window.sum().failed, 6, "late, but still in the window");
    window.count(100, failed(8));
    assert_eq!(window.sum().failed, 6, "too late");
    window.advance(1_000_000);
    assert!(window.sum().is_empty());
}

proptest! {
    /// Against the naive model: a map from bucket to count.
    #[test]
    fn equals_the_map(steps in prop::collection::vec((0_u64..15, any::<bool>(), 0_u32..5), 0..60)) {
        let mut window = Window::default();
        let mut map: BTreeMap<u64, u32> = BTreeMap::new();
        let (mut now, mut head) = (50_u64, 0_u64);
        for (by, forward, n) in steps {
            now = if forward { now + by } else { now.saturating_sub(by) };
            head = head.max(now);
            window.count(now, failed(n));
            *map.entry(now).or_default() += if now + 9 >= head { n } else { 0 };
            let want: u32 = map.iter().filter(|(at, _)| **at + 9 >= head).map(|(_, n)| n).sum();
            prop_assert_eq!(window.sum().failed, want);
        }
    }

    /// A window counted in parts and merged is the window counted at once.
    #[test]
    fn merging_is_counting(steps in prop::collection::vec((0_u64..4, 0_u32..5, any::<bool>()), 0..40)) {
        let (mut whole, mut left, mut right) = (Window::default(), Window::default(), Window::default());
        let mut now = 50;
        for (by, n, to_left) in steps {
            now += by;
            whole.count(now, failed(n));
            if to_left { &mut left } else { &mut right }.count(now, failed(n));
        }
        left.merge(&right);
        left.advance(now);
        whole.advance(now);
        prop_assert_eq!(left.sum(), whole.sum());
    }
}
