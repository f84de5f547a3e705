use super::*;

#[test]
fn a_pipe_has_no_end_to_come_near_to() {
    let since = Duration::from_secs(2);
    assert_eq!(
        line(250_000_000, Some(1_000_000_000), since),
        " 25 %  250 MB, 125 MB/s, 6 s left"
    );
    assert_eq!(line(250_000_000, None, since), "250 MB, 125 MB/s");
}
