use super::*;

#[test]
fn figures_are_rounded_for_people() {
    let numbers = [0, 7, 999, 1_000, 1_234_567].map(number);
    assert_eq!(numbers, ["0", "7", "999", "1,000", "1,234,567"]);
    let shares = [0.0, 0.0012, 0.043, 0.5].map(percent);
    assert_eq!(shares, ["0 %", "0.12 %", "4.3 %", "50 %"]);
    let durations = [0.2, 59.0, 61.0, 3600.0, 90_061.0].map(duration);
    assert_eq!(durations, ["0 s", "59 s", "1 min 1 s", "1 h", "1 d 1 h"]);
}

#[test]
fn names_in_a_log_cannot_control_the_terminal() {
    let text = without_controls("a\u{1b}[2J\r\u{9b}é\n".to_owned());
    assert_eq!(text, "a\\u{1b}[2J\\r\\u{9b}é\n");
}
