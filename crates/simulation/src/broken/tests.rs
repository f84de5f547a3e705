use super::*;

#[test]
fn one_client_asks_evenly_and_only_while_the_path_fails() {
    let mut broken = BrokenPath::new(2_000, 10);
    let mut asked = 0;
    for now_ms in (0..2_000).step_by(10) {
        let askers = (now_ms >= 1_000).then_some(Askers::OneClient);
        let now = broken.take(askers, now_ms);
        assert!(now.len() <= 1, "{now_ms}");
        assert!(now_ms >= 1_000 || now.is_empty(), "{now_ms}");
        asked += now.len();
    }
    assert_eq!(asked, 40);
}

#[test]
fn a_page_asks_three_times_in_ten_seconds() {
    let mut broken = BrokenPath::new(20_000, 10);
    let mut asked = Vec::new();
    for now_ms in (0..20_000).step_by(10) {
        if now_ms == 1_000 {
            broken.open_page(address(7), now_ms);
        }
        for client in broken.take(Some(Askers::Visitors), now_ms) {
            asked.push((client, now_ms));
        }
    }
    let at = |now_ms| (address(7), now_ms);
    assert_eq!(asked, [at(1_000), at(6_000), at(11_000)]);
}
