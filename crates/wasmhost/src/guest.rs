//! A host call in progress: access to the module's memory, with faults and counts.

use wasmtime::{Caller, Error};

use crate::abi::{status, Call, Phase};
use crate::fault::Fault;
use crate::state::State;

/// Why a host call did not succeed.
pub(crate) enum Stop {
    /// It returns this status.
    Status(u32),
    /// The module's `malloc` trapped, or the module did what a host traps for.
    Trap(Error),
}

impl From<u32> for Stop {
    fn from(status: u32) -> Stop {
        Stop::Status(status)
    }
}

pub(crate) struct Guest<'a> {
    caller: Caller<'a, State>,
    fault: Option<Fault>,
}

impl<'a> Guest<'a> {
    /// Counts the call, chooses its fault, and runs it.
    pub(crate) fn run(
        mut caller: Caller<'a, State>,
        call: Call,
        body: impl FnOnce(&mut Guest<'a>) -> Result<(), Stop>,
    ) -> Result<u32, Error> {
        let state = caller.data_mut();
        *state.counts.calls_out.entry(call).or_default() += 1;
        if call != Call::Log && (state.phase == Phase::Start || state.allocating) {
            return Err(Error::msg(format!(
                "{} called where only logging is allowed",
                call.name()
            )));
        }
        let fault = state.faults.choose(call);
        if let Some(Fault::Status(status)) = fault {
            return Ok(status);
        }
        match body(&mut Guest { caller, fault }) {
            Ok(()) => Ok(status::OK),
            Err(Stop::Status(status)) => Ok(status),
            Err(Stop::Trap(error)) => Err(error),
        }
    }

    pub(crate) fn state(&mut self) -> &mut State {
        self.caller.data_mut()
    }

    fn memory(&self) -> Result<wasmtime::Memory, Stop> {
        self.caller
            .data()
            .memory
            .ok_or(Stop::Status(status::INVALID_MEMORY_ACCESS))
    }

    /// Copies bytes out of the module.
    pub(crate) fn read(&mut self, ptr: u32, size: u32) -> Result<Vec<u8>, Stop> {
        let memory = self.memory()?;
        let bytes = memory
            .data(&self.caller)
            .get(ptr as usize..ptr as usize + size as usize)
            .ok_or(status::INVALID_MEMORY_ACCESS)?
            .to_vec();
        self.state().counts.bytes_out += u64::from(size);
        Ok(bytes)
    }

    pub(crate) fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Stop> {
        let memory = self.memory()?;
        memory
            .write(&mut self.caller, ptr as usize, bytes)
            .map_err(|_| Stop::Status(status::INVALID_MEMORY_ACCESS))
    }

    /// Returns a number of four bytes to the module.
    pub(crate) fn give_u32(&mut self, value: u32, ptr: u32) -> Result<(), Stop> {
        let value = if self.fault.is_some() {
            self.state().faults.rng.draw() as u32
        } else {
            value
        };
        self.write(ptr, &value.to_le_bytes())
    }

    /// Returns a number of eight bytes to the module.
    pub(crate) fn give_u64(&mut self, value: u64, ptr: u32) -> Result<(), Stop> {
        let value = if self.fault.is_some() {
            self.state().faults.rng.draw()
        } else {
            value
        };
        self.write(ptr, &value.to_le_bytes())
    }

    /// Returns bytes to the module, in memory that it allocates. No bytes are a null pointer.
    pub(crate) fn give(&mut self, data: &[u8], ptr_ptr: u32, size_ptr: u32) -> Result<(), Stop> {
        let data = match self.fault {
            Some(fault) => self.state().faults.corrupt(fault, data),
            None => data.to_vec(),
        };
        let (ptr, size) = match self.fault {
            Some(Fault::Empty) => (0, 0),
            Some(Fault::NullWithSize) => (0, data.len().max(8) as u32),
            Some(Fault::HugeSize) => (self.place(&data)?, u32::MAX),
            _ => (self.place(&data)?, data.len() as u32),
        };
        self.write(ptr_ptr, &ptr.to_le_bytes())?;
        self.write(size_ptr, &size.to_le_bytes())
    }

    /// Allocates in the module and copies the bytes there.
    fn place(&mut self, data: &[u8]) -> Result<u32, Stop> {
        if data.is_empty() {
            return Ok(0);
        }
        let malloc = self.caller.data().malloc.clone();
        let malloc = malloc.ok_or(Stop::Status(status::INVALID_MEMORY_ACCESS))?;
        self.state().allocating = true;
        let ptr = malloc.call(&mut self.caller, data.len() as u32);
        self.state().allocating = false;
        let ptr = ptr.map_err(Stop::Trap)?;
        if ptr == 0 {
            return Err(status::INVALID_MEMORY_ACCESS.into());
        }
        self.write(ptr, data)?;
        let counts = &mut self.state().counts;
        counts.mallocs += 1;
        counts.bytes_in += data.len() as u64;
        Ok(ptr)
    }
}
