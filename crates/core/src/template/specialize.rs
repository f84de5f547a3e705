//! Partial evaluation: a template in which some variables have become constants.

use super::{Action, Operation, Output, Target, Template, Value};

impl Template {
    /// Returns a template that renders the same pages as this one wherever some variables have the values that
    /// `known` returns for their numbers: these values are part of its text, escaped for their positions, and
    /// conditions on them are decided. The other variables are left, with numbers of their own: those that the
    /// names in [`Template::variables`] now have. The inline blocks are those of the original only.
    pub(crate) fn specialize<'v>(&self, known: impl Fn(usize) -> Option<&'v Value<'v>>) -> Self {
        let mut specializer = Specializer {
            original: self,
            text: Output::with_capacity(self.text.len()),
            operations: Vec::new(),
            variables: Vec::new(),
            jumps: Vec::new(),
        };
        specializer.run(known);
        let mut text = specializer.text.into_string();
        // It is kept, and counted by its length.
        text.shrink_to_fit();
        Self {
            text,
            operations: specializer.operations,
            variables: specializer.variables,
            blocks: Vec::new(),
        }
    }
}

struct Specializer<'t> {
    original: &'t Template,
    text: Output,
    operations: Vec<Operation>,
    variables: Vec<String>,
    /// The jumps without a target yet: their operation, and where they lead in the original. Inner jumps come
    /// after outer ones.
    jumps: Vec<(usize, Target)>,
}

impl Specializer<'_> {
    /// Executes the operations of the original whose condition is known, and keeps the others: of a condition
    /// that is not known both branches. As all jumps lead forward, one pass is enough.
    fn run<'v>(&mut self, known: impl Fn(usize) -> Option<&'v Value<'v>>) {
        let mut here = Target::default();
        while let Some(operation) = self.original.operations.get(here.operation) {
            self.copy(here, operation.upto);
            here = Target {
                operation: here.operation.saturating_add(1),
                offset: operation.upto,
            };
            match operation.action {
                Action::Write(variable, position) => match known(variable) {
                    Some(value) => self.text.value(position, value),
                    None => {
                        let variable = self.keep_variable(variable);
                        self.push(Action::Write(variable, position));
                    }
                },
                Action::JumpUnless(variable, to) => match known(variable) {
                    Some(value) if value.is_true() => {}
                    Some(_) => here = to,
                    None => {
                        let variable = self.keep_variable(variable);
                        self.push_jump(to, |target| Action::JumpUnless(variable, target));
                    }
                },
                Action::Jump(to) => here = self.end_first_branch(here, to),
            }
        }
        self.copy(here, self.original.text.len());
    }

    /// Ends the first branch of a condition, behind which the second one begins `here`. Returns where to continue:
    /// there if the second branch is kept, which a jump leads to, or else at the end of both.
    fn end_first_branch(&mut self, here: Target, end: Target) -> Target {
        let Some(&(over_first, to)) = self.jumps.last() else {
            return end;
        };
        if to != here {
            return end;
        }
        self.jumps.pop();
        self.push_jump(end, Action::Jump);
        self.land(over_first);
        here
    }

    /// Copies the text of the original from `here` up to an offset, and sets the targets of the jumps that lead
    /// to a place in it.
    fn copy(&mut self, here: Target, upto: usize) {
        let mut copied = here.offset;
        while let Some(&(jump, to)) = self.jumps.last() {
            if to.operation != here.operation || to.offset > upto {
                break;
            }
            self.append(copied, to.offset);
            copied = to.offset;
            self.land(jump);
            self.jumps.pop();
        }
        self.append(copied, upto);
    }

    fn append(&mut self, from: usize, upto: usize) {
        let text = self.original.text.get(from..upto);
        self.text.trusted(text.unwrap_or_default());
    }

    fn push(&mut self, action: Action) {
        self.operations.push(Operation {
            upto: self.text.len(),
            action,
        });
    }

    fn push_jump(&mut self, to: Target, action: impl FnOnce(Target) -> Action) {
        self.jumps.push((self.operations.len(), to));
        self.push(action(Target::UNKNOWN));
    }

    /// Sets the target of a jump to the current position.
    fn land(&mut self, jump: usize) {
        super::land(&mut self.operations, jump, self.text.len());
    }

    /// Returns the new number of a variable.
    fn keep_variable(&mut self, number: usize) -> usize {
        let name = self.original.variables.get(number);
        let name = name.map(String::as_str).unwrap_or_default();
        let known = self.variables.iter().position(|other| other == name);
        known.unwrap_or_else(|| {
            self.variables.push(name.to_owned());
            self.variables.len().saturating_sub(1)
        })
    }
}
