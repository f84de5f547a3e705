use super::*;

#[test]
fn a_summary_line_needs_failures_and_an_interval() {
    let start = Instant::now();
    let mut summary = Summary::new(start);
    let summary_line = "in the last 5 s: 2 requests served, 3 failed, 4 reached the site";
    let table = [
        (1, (9, 0, 9), None),
        (5, (9, 0, 9), None),
        (9, (10, 3, 13), None),
        (10, (11, 3, 13), Some(summary_line.to_owned())),
        (15, (11, 3, 13), None),
    ];
    for (second, (served, failed, reached), line) in table {
        let now = start + Duration::from_secs(second);
        assert_eq!(
            summary.take(
                Counts {
                    served,
                    failed,
                    ..Counts::default()
                },
                reached,
                now
            ),
            line,
            "at {second} s"
        );
    }
}
