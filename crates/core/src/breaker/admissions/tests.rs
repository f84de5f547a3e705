use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn client(number: u32) -> ClientId {
    ClientId(number + 1)
}

fn count(admissions: &Admissions, client: ClientId) -> Option<u32> {
    let mut known = admissions.known.iter();
    known
        .find(|(known, _)| *known == client)
        .map(|(_, count)| *count)
}

#[test]
fn a_client_is_within_its_limit_for_three_seconds_of_it() {
    let mut admissions = Admissions::default();
    assert!(admissions.is_within(client(1), 10.0), "not known");
    admissions.add(client(1), 29);
    assert!(admissions.is_within(client(1), 10.0));
    admissions.add(client(1), 1);
    assert!(!admissions.is_within(client(1), 10.0));
    assert!(admissions.is_within(client(1), 10.1));
    assert!(admissions.is_within(client(2), 10.0), "another one");
    // A third of it is forgotten in each second.
    admissions.fade();
    assert!(admissions.is_within(client(1), 7.0));
    assert!(!admissions.is_within(client(1), 6.6));
}

#[test]
fn a_steady_client_may_have_its_limit_in_each_second() {
    let mut admissions = Admissions::default();
    let mut admitted = 0;
    for _ in 0..100 {
        for _ in 0..50 {
            if admissions.is_within(client(1), 10.0) {
                admissions.add(client(1), 1);
                admitted += 1;
            }
        }
        admissions.fade();
    }
    // Thirty at once, and ten in each further second.
    assert_eq!(admitted, 30 + 99 * 10);
}

#[test]
fn clients_that_are_gone_leave_their_places() {
    let mut admissions = Admissions::default();
    for number in 0..100 {
        admissions.add(client(number), 3);
    }
    assert_eq!(admissions.known.len(), MAX_TAKERS);
    for _ in 0..30 {
        admissions.fade();
    }
    assert_eq!(admissions, Admissions::default());
}

#[test]
fn one_that_takes_much_is_known_among_a_crowd() {
    let mut admissions = Admissions::default();
    for second in 0..10 {
        for number in 0..1_000 {
            admissions.add(client(1_000 * second + number), 1);
            if number % 20 == 0 {
                admissions.add(client(0), 1);
            }
        }
        let limit = 45.0 / 3.0;
        assert!(!admissions.is_within(client(0), limit), "{admissions:?}");
        admissions.fade();
    }
}

/// A step of a story: requests of a client, or the end of a second.
fn event() -> impl Strategy<Value = Option<(u32, u32)>> {
    prop_oneof![
        6 => (0_u32..200, 1_u32..20).prop_map(Some),
        6 => (0_u32..5, 1_u32..20).prop_map(Some),
        1 => Just(None),
    ]
}

proptest! {
    /// The counts of those that are known are at least the exact ones, and at most an even part of all
    /// more. Those that are not known have no more than the least count.
    #[test]
    fn counts_are_exact_but_for_an_even_part_of_all(story in prop::collection::vec(event(), 1..600)) {
        let mut admissions = Admissions::default();
        let mut exact: BTreeMap<ClientId, u32> = BTreeMap::new();
        let mut all = 0.0;
        for event in story {
            match event {
                Some((number, requests)) => {
                    admissions.add(client(number), requests);
                    *exact.entry(client(number)).or_default() += requests;
                    all += f64::from(requests);
                }
                None => {
                    admissions.fade();
                    exact.values_mut().for_each(|count| *count -= count.div_ceil(3));
                    all *= 2.0 / 3.0;
                }
            }
            let known = &admissions.known;
            prop_assert!(known.len() <= MAX_TAKERS);
            let is_full = known.len() == MAX_TAKERS;
            let least = known.iter().map(|(_, count)| *count).min().filter(|_| is_full);
            for (&client, &exact) in &exact {
                match count(&admissions, client) {
                    Some(count) => {
                        prop_assert!(count >= exact);
                        // Each fading rounds by less than one, of which less than three are left.
                        let most = all / MAX_TAKERS as f64 + 3.0;
                        prop_assert!(f64::from(count - exact) <= most, "{count} {exact} {most}");
                    }
                    None => prop_assert!(exact <= least.unwrap_or(0)),
                }
            }
        }
    }
}
