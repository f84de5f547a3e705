//! Numbers the locals of a function anew: those of one type together, the most used first.
//!
//! The compiler numbers them as it meets them, so that alike functions name theirs differently, and
//! often-used ones may need two bytes each time.

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{Function, Instruction, ValType};
use wasmparser::{FunctionBody, Operator};

/// A function as `reencoder` makes it, its locals in their new order. `params`: how many parameters it
/// has, which are locals that keep their numbers.
pub(crate) fn in_order<T: Reencode>(
    reencoder: &mut T,
    body: &FunctionBody<'_>,
    params: u32,
) -> Result<Function, reencode::Error<T::Error>> {
    let (declared, numbers) = renumbered(reencoder, body, params)?;
    let new = |local: u32| match local.checked_sub(params) {
        Some(index) => numbers.get(index as usize).copied().unwrap_or(local),
        None => local,
    };
    let mut function = Function::new(declared);
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let instruction = reencoder.instruction(reader.read()?)?;
        function.instruction(&match instruction {
            Instruction::LocalGet(local) => Instruction::LocalGet(new(local)),
            Instruction::LocalSet(local) => Instruction::LocalSet(new(local)),
            Instruction::LocalTee(local) => Instruction::LocalTee(new(local)),
            other => other,
        });
    }
    Ok(function)
}

/// The declarations of the locals (how many of each type), and the new number of each.
#[expect(clippy::type_complexity, reason = "a pair, used once")]
fn renumbered<T: Reencode>(
    reencoder: &mut T,
    body: &FunctionBody<'_>,
    params: u32,
) -> Result<(Vec<(u32, ValType)>, Vec<u32>), reencode::Error<T::Error>> {
    let mut types: Vec<ValType> = Vec::new();
    // Of each local the number of its type in `types`, and how often it is used.
    let mut locals: Vec<(usize, u32)> = Vec::new();
    for pair in body.get_locals_reader()? {
        let (count, ty) = pair?;
        let ty = reencoder.val_type(ty)?;
        let number = types.iter().position(|known| *known == ty);
        let number = number.unwrap_or_else(|| {
            types.push(ty);
            types.len() - 1
        });
        locals.extend((0..count).map(|_| (number, 0)));
    }
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        if let Operator::LocalGet { local_index: local }
        | Operator::LocalSet { local_index: local }
        | Operator::LocalTee { local_index: local } = reader.read()?
        {
            let index = local.checked_sub(params);
            if let Some(local) = index.and_then(|index| locals.get_mut(index as usize)) {
                local.1 += 1;
            }
        }
    }
    let mut order: Vec<usize> = (0..locals.len()).collect();
    // Stable: what is used as often as another stays where it was.
    order.sort_by_key(|&index| (locals[index].0, std::cmp::Reverse(locals[index].1)));
    let mut numbers = vec![0; locals.len()];
    for (&index, number) in order.iter().zip(params..) {
        numbers[index] = number;
    }
    let count = |number| locals.iter().filter(|local| local.0 == number).count() as u32;
    let declared = types.into_iter().enumerate();
    let declared = declared.map(|(number, ty)| (count(number), ty)).collect();
    Ok((declared, numbers))
}
