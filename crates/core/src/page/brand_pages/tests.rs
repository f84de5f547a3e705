use super::*;

#[test]
fn room_is_taken_only_as_long_as_there_is_enough() {
    let room = Room::new();
    assert!(room.take(LOCALIZED_BYTES - 10));
    assert!(!room.take(11));
    assert!(room.take(10));
    assert!(!room.take(1));
}
