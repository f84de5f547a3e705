use proptest::prelude::*;

use super::*;

const GAP: u64 = 60_000;

fn first(line: u64) -> First {
    First {
        file: 0,
        line,
        request_id: "".into(),
        host: "".into(),
        details: "".into(),
    }
}

fn of(times: &[u64]) -> Episodes {
    let mut episodes = Episodes::default();
    for time in times {
        // Identified by its time.
        episodes.add(*time, &format!("h{}", time % 3), None, GAP, || first(*time));
    }
    episodes
}

fn spans(episodes: &Episodes) -> Vec<(u64, u64, u64)> {
    let list = episodes.list.iter();
    list.map(|episode| (episode.from_ms, episode.to_ms, episode.failures))
        .collect()
}

/// The reference: sort, and split at gaps.
fn model(times: &[u64]) -> Vec<(u64, u64, u64)> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let mut spans: Vec<(u64, u64, u64)> = Vec::new();
    for time in times {
        match spans.last_mut() {
            Some((_, to, count)) if time <= *to + GAP => {
                *to = time;
                *count += 1;
            }
            _ => spans.push((time, time, 1)),
        }
    }
    spans
}

#[test]
fn a_gap_separates_episodes() {
    assert_eq!(
        spans(&of(&[0, 60_000, 120_001])),
        [(0, 60_000, 2), (120_001, 120_001, 1)]
    );
    // A failure in between joins them.
    assert_eq!(
        spans(&of(&[0, 60_000, 120_001, 100_000])),
        [(0, 120_001, 4)]
    );
    // The first failure is the earliest, wherever it is in the log.
    let episodes = of(&[30_000, 10_000, 20_000]);
    assert_eq!(episodes.list[0].first.line, 10_000);
}

#[test]
fn beyond_the_limit_the_nearest_episodes_are_merged() {
    let times: Vec<u64> = (0..=MAX_EPISODES as u64)
        .map(|at| at * at * 100_000)
        .collect();
    let episodes = of(&times);
    assert_eq!(episodes.list.len(), MAX_EPISODES);
    assert_eq!(episodes.folded, 1);
    assert_eq!(spans(&episodes)[0], (0, 100_000, 2));
}

#[test]
fn the_number_of_hosts_of_an_episode_is_bounded() {
    let mut episodes = Episodes::default();
    for at in 0..100 {
        episodes.add(0, &format!("host-{at}"), None, GAP, || first(0));
        episodes.add(0, "host-0", None, GAP, || first(0));
    }
    let episode = &episodes.list[0];
    assert_eq!(episode.hosts.len(), MAX_HOSTS);
    assert_eq!(episode.hosts[0], ("host-0".into(), 101));
    assert_eq!(episode.other_hosts, 100 - MAX_HOSTS as u64);
}

proptest! {
    #[test]
    fn any_order_and_split_of_failures_gives_the_same_episodes(
        times in proptest::collection::vec(0_u64..400_000, 1..60),
        part in 1_usize..20,
    ) {
        let want = model(&times);
        prop_assume!(want.len() <= MAX_EPISODES);
        prop_assert_eq!(spans(&of(&times)), want.clone());
        let mut merged = Episodes::default();
        for part in times.chunks(part).rev() {
            merged.absorb(of(part), GAP);
        }
        prop_assert_eq!(spans(&merged), want);
        for episode in &merged.list {
            prop_assert_eq!(episode.first.line, episode.from_ms);
            let hosts: u64 = episode.hosts.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(hosts, episode.failures);
        }
    }

    #[test]
    fn the_number_of_episodes_is_bounded(
        times in proptest::collection::vec(0_u64..100_000_000, 1..200),
    ) {
        let episodes = of(&times);
        prop_assert!(episodes.list.len() <= MAX_EPISODES);
        let failures: u64 = episodes.list.iter().map(|episode| episode.failures).sum();
        prop_assert_eq!(failures, times.len() as u64);
        let in_order = episodes.list.windows(2).all(|pair| pair[0].to_ms < pair[1].from_ms);
        prop_assert!(in_order);
    }
}
