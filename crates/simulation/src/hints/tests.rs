use super::*;
use crate::world::tests::setup;

#[test]
fn outcomes_have_the_order_of_setups_and_strategies_and_the_run_of_the_first_seed() {
    let small = Setup {
        rate: 5.0,
        ..setup()
    };
    let setups = [&setup(), &small];
    let strategies = [Strategy::Hints(HintKind::Jittered), Strategy::Oracle];
    let mut ended = 0;
    let outcomes = compare(&setups, &strategies, &[7, 8], &mut |count| ended = count);
    assert_eq!((ended, outcomes.len()), (8, 2));
    for (setup, outcomes) in setups.into_iter().zip(&outcomes) {
        let found: Vec<Strategy> = outcomes.iter().map(|outcome| outcome.strategy).collect();
        assert_eq!(found, strategies);
        for outcome in outcomes {
            assert_eq!(outcome.first, outcome.strategy.run(setup, 7));
        }
        // The oracle waits as long as itself, in each run.
        let ratio = outcomes[1].figures.lost_ratio;
        assert_eq!((ratio.mean, ratio.worst), (Some(1.0), Some(1.0)));
        assert!(outcomes[0].figures.lost_ratio.mean > Some(1.0));
    }
}
