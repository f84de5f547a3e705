use super::*;
use crate::load::Protocol;

/// Returns the verdicts for eleven rounds on a machine that is alternately slow and fast. Each
/// variant costs a fixed amount more than no filter.
fn judged(costs: &[(Variant, f64)]) -> Vec<Verdict> {
    let setup = Setup {
        protocol: Protocol::H1,
        workers: 1,
    };
    let mut all = Costs::new();
    for variant in Variant::ALL {
        let more = costs.iter().find(|(other, _)| other == variant);
        let more = more.map_or(0.0, |(_, more)| *more);
        let rounds = (0..11).map(|round| 100.0 + 7.0 * f64::from(round % 3) + more);
        all.insert(*variant, rounds.collect());
    }
    judge(&BTreeMap::from([(setup, all)]))
}

/// Returns the verdict whose name contains all of `words`.
fn verdict<'a>(verdicts: &'a [Verdict], words: &[&str]) -> &'a Verdict {
    verdicts
        .iter()
        .find(|verdict| words.iter().all(|word| verdict.what.contains(word)))
        .unwrap()
}

#[test]
fn healthy_cost_is_compared_over_no_filter() {
    let all = judged(&[(Variant::Tidegate, 15.0), (Variant::Floor, 12.0)]);
    let healthy = verdict(&all, &["healthy", "hand-written"]);
    assert!((healthy.ratio - 1.25).abs() < 1e-9, "{healthy:?}");
    assert!(healthy.is_held(), "{healthy:?}");

    let all = judged(&[(Variant::Tidegate, 15.5), (Variant::Floor, 12.0)]);
    let healthy = verdict(&all, &["healthy", "hand-written"]);
    assert!(!healthy.is_held(), "{healthy:?}");
}

#[test]
fn speed_of_the_machine_cancels_out_within_a_round() {
    let all = judged(&[(Variant::Tidegate, 15.0), (Variant::Floor, 12.0)]);
    let (low, high) = verdict(&all, &["healthy", "hand-written"]).between;
    assert!((low - 1.25).abs() < 1e-9 && (high - 1.25).abs() < 1e-9);
}

// A round without a filter costs 100, 107 or 114: the median ratio is that of a round of 107.

#[test]
fn page_is_compared_by_its_whole_cost() {
    // 123 and 124 of 107.
    for (more, is_held) in [(16.0, true), (17.0, false)] {
        let all = judged(&[(Variant::TidegateFailing, more)]);
        let page = verdict(&all, &["page", "relative to the hand-written"]);
        assert_eq!(page.is_held(), is_held, "{page:?}");
    }
    // 144 and 145 of 107.
    for (more, is_held) in [(37.0, true), (38.0, false)] {
        let all = judged(&[(Variant::TidegateFailing, more)]);
        let page = verdict(&all, &["page served", "Lua"]);
        assert_eq!(page.is_held(), is_held, "{page:?}");
    }
}

#[test]
fn open_circuit_is_compared_by_requests_per_cpu_second() {
    // 107 of 125 and of 126.
    for (more, is_held) in [(18.0, true), (19.0, false)] {
        let all = judged(&[(Variant::TidegateOpen, more)]);
        let open = verdict(&all, &["circuit open", "hand-written"]);
        assert_eq!(open.is_held(), is_held, "{open:?}");
    }
}

#[test]
fn comparison_without_a_budget_is_always_held() {
    let all = judged(&[(Variant::TidegateOpen, 900.0)]);
    let open = verdict(&all, &["circuit open", "direct_response"]);
    assert!(open.ratio < 0.2 && open.is_held(), "{open:?}");
}

#[test]
fn whole_costs_are_compared_within_each_round() {
    let setup = Setup {
        protocol: Protocol::H2,
        workers: 2,
    };
    // The machine becomes slower in the middle of the run, between two rounds.
    let costs =
        |factor: f64| (0..11).map(move |round| factor * if round < 5 { 60.0 } else { 150.0 });
    let costs = Costs::from([
        (Variant::TidegateOpen, costs(1.1).collect()),
        (Variant::BesideOpen, costs(1.0).collect()),
    ]);
    let all = judge(&BTreeMap::from([(setup, costs)]));
    let [open] = &all[..] else {
        panic!("only what was measured is compared: {all:?}");
    };
    let (low, high) = open.between;
    for ratio in [open.ratio, low, high] {
        assert!((ratio - 1.1).abs() < 1e-9, "{open:?}");
    }
}
