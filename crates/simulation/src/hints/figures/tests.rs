use super::*;
use crate::scenario::Scenario;
use crate::waits::Waits;

fn incident() -> Incident {
    // From 20 s to 22 s.
    Incident::new(Scenario::Outage, 10.0, 20.0, 2_000)
}

#[test]
fn the_load_is_what_is_sent_and_a_check_in_is_what_is_rejected() {
    let second = |admitted, hammer_sent, rejected, hammer_rejected| Second {
        admitted,
        hammer_sent,
        rejected,
        hammer_rejected,
        capacity: 20.0,
        ..Second::default()
    };
    let mut seconds = vec![second(40, 0, 0, 0); 20];
    seconds.extend([second(0, 0, 30, 5), second(0, 0, 20, 0)]);
    seconds.extend([
        second(10, 0, 25, 0),
        second(21, 5, 0, 0),
        second(20, 0, 0, 0),
    ]);
    let series = Series {
        seconds,
        ..Series::default()
    };
    let run = RunFigures::of(&series, &incident(), 1);
    assert_eq!(
        (run.peak_load, run.overloaded_s, run.check_ins),
        (1.3, 1, 35)
    );
}

fn run(seed: u64, half_back_s: Option<f64>, lost_s: f64) -> RunFigures {
    let series = Series {
        waits: Waits::new(22_000),
        ..Series::default()
    };
    RunFigures {
        half_back_s,
        lost_s,
        ..RunFigures::of(&series, &incident(), seed)
    }
}

#[test]
fn the_worst_run_is_named_and_a_figure_that_a_run_lacks_has_no_mean() {
    let runs = [
        run(7, Some(1.0), 30.0),
        run(8, Some(4.0), 20.0),
        run(9, Some(1.0), 20.0),
    ];
    let oracle = [run(7, None, 20.0), run(8, None, 5.0), run(9, None, 20.0)];
    let figures = Figures::of(&runs, &oracle);
    let figure = |mean, worst, worst_seed| Figure {
        mean,
        worst,
        worst_seed,
    };
    assert_eq!(figures.half_back_s, figure(Some(2.0), Some(4.0), 8));
    // 1.5, 4 and 1 times what the oracle loses.
    let ratio = figures.lost_ratio;
    assert!((ratio.mean.unwrap() - 6.5 / 3.0).abs() < 1e-9, "{ratio:?}");
    assert_eq!((ratio.worst, ratio.worst_seed), (Some(4.0), 8));

    let runs = [
        run(7, Some(1.0), 30.0),
        run(8, None, 20.0),
        run(9, Some(1.0), 20.0),
    ];
    let figures = Figures::of(&runs, &oracle);
    assert_eq!(figures.half_back_s, figure(None, None, 8));
}
