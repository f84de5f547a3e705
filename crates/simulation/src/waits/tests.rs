use super::*;

#[test]
fn only_time_after_the_incident_is_lost() {
    let mut waits = Waits::new(10_000);
    waits.come(2, 4_000);
    waits.come(1, 12_000);
    waits.serve(4_000, true, 11_000);
    waits.serve(12_000, false, 12_500);
    assert_eq!(waits.lost_ms, 1_000 + 500);
    assert_eq!(waits.longest_ms, 7_000);
    // The second one of the first two waits until the end.
    assert_eq!(waits.early_left, 1);
    waits.finish(20_000);
    assert_eq!(waits.lost_ms, 1_500 + 10_000);
}

#[test]
fn what_is_served_in_the_incident_loses_nothing() {
    let mut waits = Waits::new(10_000);
    waits.come(1, 4_000);
    waits.turn_away();
    waits.serve(4_000, true, 9_000);
    waits.finish(20_000);
    assert_eq!((waits.lost_ms, waits.early_left), (0, 0));
    assert_eq!(waits.back_after_ms(1.0), Some(0));
}

#[test]
fn a_share_is_back_when_so_many_of_those_turned_away_were_served() {
    let mut waits = Waits::new(10_000);
    assert_eq!(waits.back_after_ms(0.5), Some(0));
    waits.come(5, 4_000);
    for _ in 0..4 {
        waits.turn_away();
    }
    for (turned_away, now_ms) in [(false, 11_000), (true, 12_000), (true, 13_000)] {
        waits.serve(4_000, turned_away, now_ms);
    }
    assert_eq!(waits.back_after_ms(0.25), Some(2_000));
    assert_eq!(waits.back_after_ms(0.5), Some(3_000));
    assert_eq!(waits.back_after_ms(0.51), None);
}
