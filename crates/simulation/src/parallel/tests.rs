use super::*;

#[test]
fn results_have_the_order_of_the_inputs() {
    let inputs: Vec<u32> = (0..100).collect();
    let mut ended = Vec::new();
    let squares = map(&inputs, |n| n * n, &mut |count| ended.push(count));
    assert_eq!(squares, inputs.iter().map(|n| n * n).collect::<Vec<_>>());
    assert_eq!(ended, (1..=100).collect::<Vec<_>>());
    let none: [u32; 0] = [];
    assert!(map(&none, |n| *n, &mut |_| ()).is_empty());
}
