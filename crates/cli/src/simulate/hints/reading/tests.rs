use super::super::figures::{Figures, RunFigures};
use super::*;
use crate::simulate::crowd::HintKind;

fn row(hints: Strategy, back_95_s: Option<f64>, peak_load: f64) -> Row {
    let run = RunFigures {
        seed: 1,
        peak_load,
        overloaded_s: 3,
        half_back_s: None,
        back_95_s,
        all_back_s: None,
        lost_s: 0.0,
        check_ins: 0,
        longest_wait_s: 0.0,
        trips_after: 0,
        never_served: 0,
    };
    Row {
        hints,
        figures: Figures::of(&[run], &[]),
    }
}

#[test]
fn the_sentences_compare_with_the_quickest_that_can_be_chosen() {
    let own = row(Strategy::Hints(HintKind::CheckIns), Some(262.0), 1.02);
    let quick = row(Strategy::Hints(HintKind::Jittered), Some(241.0), 1.4);
    let never = row(Strategy::Hints(HintKind::Fixed5), None, 9.0);
    let oracle = row(Strategy::Oracle, Some(1.0), 1.0);
    assert_eq!(
        sentences(&[never, quick, own, oracle]),
        [
            "95 % of the visitors are back: Tidegate 262 s, the quickest of the others (5 to 10 s by chance) 241 s.",
            "The upstream gets at most 1.02 of what it can serve with Tidegate, 1.40 with that one, and more than it \
             can serve for 3 s and 3 s.",
        ]
    );
}

#[test]
fn nothing_is_said_where_there_is_nothing_to_compare_with() {
    let own = || row(Strategy::Hints(HintKind::CheckIns), Some(262.0), 1.0);
    let oracle = row(Strategy::Oracle, Some(1.0), 1.0);
    assert_eq!(sentences(&[own(), oracle]), [""; 0]);
    let other = row(Strategy::Hints(HintKind::Fixed5), Some(1.0), 1.0);
    assert_eq!(sentences(&[other]), [""; 0]);
}
