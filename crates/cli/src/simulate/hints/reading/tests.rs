use super::*;
use tidegate_simulation::crowd::HintKind;
use tidegate_simulation::hints::{Figure, Figures};

fn row(hints: Strategy, back_95_s: Option<f64>, peak_load: f64) -> Row {
    let figure = |value| Figure {
        mean: value,
        worst: value,
        worst_seed: 1,
    };
    let figures = Figures {
        peak_load: figure(Some(peak_load)),
        overloaded_s: figure(Some(3.0)),
        half_back_s: figure(None),
        back_95_s: figure(back_95_s),
        all_back_s: figure(None),
        lost_s: figure(Some(0.0)),
        lost_ratio: figure(None),
        check_ins: figure(Some(0.0)),
        longest_wait_s: figure(Some(0.0)),
        trips_after: figure(Some(0.0)),
        never_served: figure(Some(0.0)),
    };
    Row { hints, figures }
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
