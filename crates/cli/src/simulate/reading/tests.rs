use super::super::report::Row;
use super::*;
use tidegate_simulation::scenario::Scenario;

fn figures(value: f64, gave_up: f64) -> Figures {
    let none = Figures::mean(&[]);
    Figures {
        goodput: value,
        served: value,
        recovered: (value > 0.0).then_some(value),
        failed: 100.0 * value,
        broken_sent: 7.0,
        into_dead: 9.0,
        gave_up,
        ..none
    }
}

fn compare(scenario: Scenario, values: [f64; 3]) -> String {
    let kinds = [Kind::None, Kind::OneProbe, Kind::Tidegate];
    let rows = kinds.into_iter().zip(values);
    let rows = rows.map(|(breaker, value)| Row {
        breaker,
        figures: figures(value, 5.0),
    });
    sentences(&Comparison {
        scenario,
        rows: rows.collect(),
    })
}

#[test]
fn the_sentences_say_where_this_filter_stands() {
    assert_eq!(
        compare(Scenario::Outage, [1.01, 0.9, 0.7]),
        "  Goodput: Tidegate has 0.70, place 3 of 3; the best is no breaker: 1.01.\n  \
         Tidegate sent 70 requests in vain, no breaker 101. With Tidegate, 5 visitors gave up, with \
         no breaker 5.\n"
    );
    assert_eq!(
        compare(Scenario::Brownout50, [0.1, 0.9, 0.95])
            .lines()
            .next(),
        Some("  Goodput: Tidegate has 0.95; none of the 3 is better.")
    );
    assert_eq!(
        compare(Scenario::BrokenPath, [0.5, 0.99, 0.98]),
        "  Visitors served: Tidegate has 98.0 %, place 2 of 3; the best is one probe, then closed: \
         99.0 %.\n  Tidegate sent 7 requests to the broken path, no breaker 7.\n"
    );
}

#[test]
fn sooner_well_is_better_and_never_is_worst() {
    let first = |values| {
        let said = compare(Scenario::Hanging, values);
        said.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        first([3.0, 20.0, 8.0]),
        "  Well after the incident: Tidegate has 8 s, place 2 of 3; the best is no breaker: 3 s."
    );
    assert_eq!(
        first([0.0, 20.0, 8.0]),
        "  Well after the incident: Tidegate has 8 s; none of the 3 is better."
    );
    assert_eq!(
        first([3.0, 20.0, 0.0]),
        "  Well after the incident: Tidegate has never, place 3 of 3; the best is no breaker: 3 s."
    );
}

/// Values that read the same in the table are equal.
#[test]
fn a_difference_that_the_table_does_not_show_does_not_count() {
    assert!(compare(Scenario::Outage, [0.904, 0.9, 0.901]).contains("none of the 3 is better"));
}

#[test]
fn one_row_is_compared_with_nothing() {
    let rows = vec![Row {
        breaker: Kind::Tidegate,
        figures: figures(0.5, 0.0),
    }];
    let scenario = Scenario::Outage;
    assert_eq!(sentences(&Comparison { scenario, rows }), "");
}
