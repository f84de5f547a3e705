use std::collections::BTreeMap;

use super::*;

const CHECK_INS: u32 = 500;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + ms)
}

fn client(number: u32) -> ClientId {
    // As different as the hashes of addresses.
    ClientId(number.wrapping_mul(0x9e37_79b9) ^ 0x5bd1)
}

/// Returns the interval after these requests: each by its time in milliseconds and its client.
fn interval(requests: impl IntoIterator<Item = (u64, u32)>) -> f64 {
    let mut waiting = WaitingClients::default();
    let mut last = Duration::ZERO;
    for (ms, number) in requests {
        last = waiting.interval(client(number), CHECK_INS, at(ms));
    }
    last.as_secs_f64()
}

/// Returns the estimate of the different clients of these windows.
fn clients(windows: &[Window]) -> f64 {
    let mut all = United::new();
    for window in windows {
        all.add(window);
    }
    all.clients()
}

fn assert_near(got: f64, want: f64) {
    assert!((got / want - 1.0).abs() < 0.2, "{got} instead of {want}");
}

#[test]
fn the_number_of_clients_is_estimated_at_any_size() {
    for count in [1_u32, 10, 100, 500, 1_000, 10_000, 100_000] {
        let mut window = Window::new(0);
        for number in 0..count {
            window.add(client(number));
        }
        assert_near(clients(&[window]), count.into());
    }
    assert_eq!(clients(&[Window::new(0)]), 0.0);
    assert_eq!(clients(&[]), 0.0);
}

#[test]
fn the_order_of_windows_and_clients_in_several_of_them_change_no_estimate() {
    let windows = [0, 300, 300, 5_000].map(|count| {
        let mut window = Window::new(0);
        for number in 0..count {
            window.add(client(number));
        }
        window
    });
    let [_, some, _, most] = windows;
    let reversed: Vec<Window> = windows.iter().rev().copied().collect();
    assert_eq!(clients(&windows), clients(&reversed));
    assert_eq!(clients(&windows), clients(&[most]));
    assert_ne!(clients(&windows), clients(&[some]));
}

#[test]
fn a_rank_that_no_hash_has_is_counted_as_the_highest() {
    let mut window = Window::new(0);
    window.registers = [u8::MAX; REGISTERS];
    let mut highest = Window::new(0);
    // That of a hash that chooses a register and has no other bit.
    highest.registers = [(RANKS - 1) as u8; REGISTERS];
    assert_eq!(clients(&[window, highest]), clients(&[highest]));
}

#[test]
fn the_interval_is_the_number_of_waiting_clients_by_their_check_ins() {
    // With 500 check-ins per second, and 0.8 of the interval in the mean.
    for count in [400, 2_000, 8_000, 20_000] {
        let got = interval((0..count).map(|number| (0, number)));
        assert_near(got, f64::from(count) / 400.0);
    }
}

#[test]
fn one_client_that_hammers_counts_once() {
    // A thousand requests in ten seconds, and nobody else: no more than a few milliseconds for all others.
    let got = interval((0..1_000).map(|n| (n * 10, 1)));
    assert!(got < 1.0, "{got}");
    let quiet = interval((0..200).map(|n| (n * 50, n as u32)));
    let loud = interval((0..200).flat_map(|n| {
        let hammer = (0..5).map(move |k| (n * 50 + k, 1_000_000));
        hammer.chain([(n * 50 + 9, n as u32)])
    }));
    assert!((loud - quiet).abs() < 1.0, "{quiet} {loud}");
}

#[test]
fn if_all_have_one_address_a_quarter_of_their_requests_counts() {
    let got = interval((0..8_000).map(|n| (n / 8, 1)));
    assert_near(got, 8_000.0 / 4.0 / 400.0);
}

#[test]
fn clients_that_have_gone_are_forgotten_after_a_minute() {
    let crowd = (0..20_000).map(|number| (0, number));
    let later = |seconds: u64| interval(crowd.clone().chain([(seconds * 1_000, 1)]));
    // Those who came within the interval are waiting.
    assert!(later(4) > 40.0);
    assert!(later(61) < 1.0);
    // Also if the clock is set back.
    let mut waiting = WaitingClients::default();
    for number in 0..20_000 {
        waiting.interval(client(number), CHECK_INS, at(10_000_000));
    }
    assert!(waiting.interval(client(1), CHECK_INS, at(0)) < Duration::from_secs(1));
}

#[test]
fn a_crowd_that_obeys_checks_in_as_often_as_it_may() {
    let mut waiting = WaitingClients::default();
    let mut due: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for number in 0..6_000 {
        due.entry(u64::from(number) * 10).or_default().push(number);
    }
    let mut rng = SplitMix64::new(1);
    let mut per_second = [0_u32; 180];
    while let Some((ms, numbers)) = due.pop_first() {
        let Some(second) = per_second.get_mut((ms / 1_000) as usize) else {
            break;
        };
        for number in numbers {
            *second += 1;
            let interval = waiting.interval(client(number), CHECK_INS, at(ms));
            let interval = interval.max(Duration::from_secs(5));
            let wait = interval.mul_f64(0.6 + 0.4 * rng.unit());
            let back = ms + wait.as_millis() as u64;
            due.entry(back).or_default().push(number);
        }
    }
    let most = per_second.iter().max().unwrap();
    assert!(*most < 750, "{per_second:?}");
    let late = per_second.iter().skip(90).sum::<u32>() / 90;
    assert!((400..=600).contains(&late), "{late}");
}

#[test]
fn workers_know_the_clients_of_each_other_after_an_exchange() {
    let mut workers = [(); 4].map(|()| WaitingClients::default());
    for number in 0..8_000_u32 {
        // Each client asks two of the workers.
        for worker in [number % 4, (number + 1) % 4] {
            workers[worker as usize].interval(client(number), CHECK_INS, at(0));
        }
    }
    let mut shared = Vec::new();
    for worker in &mut workers {
        let mut all = Waiting::decode(&shared).unwrap_or_default();
        all.unite(&worker.take_added().unwrap());
        shared = all.encode();
        worker.set_known(all);
        assert_eq!(worker.take_added(), None);
    }
    let got = workers[3].interval(client(1), CHECK_INS, at(100));
    assert_near(got.as_secs_f64(), 8_000.0 / 400.0);
}

#[test]
fn what_is_encoded_is_decoded_and_nothing_else_is() {
    let mut waiting = Waiting::default();
    for number in 0..100 {
        waiting.add(client(number), at(u64::from(number) * 1_000));
    }
    let bytes = waiting.encode();
    assert_eq!(Waiting::decode(&bytes), Some(Box::new(waiting)));
    for wrong in [
        &bytes[1..],
        &bytes[..bytes.len() - 1],
        &[],
        &[bytes.clone(), vec![0]].concat(),
    ] {
        assert_eq!(Waiting::decode(wrong), None);
    }
}
