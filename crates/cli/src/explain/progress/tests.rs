use super::*;

#[test]
fn progress_of_a_pipe_has_no_percentage() {
    let since = Duration::from_secs(2);
    assert_eq!(
        line(250_000_000, Some(1_000_000_000), since),
        " 25 %  250 MB, 125 MB/s, 6 s left"
    );
    assert_eq!(line(250_000_000, None, since), "250 MB, 125 MB/s");
}
