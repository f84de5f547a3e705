//! Loads the module, starts VMs and calls exports.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use wasmtime::{
    Config, Engine, Error, ExternType, InstancePre, Linker, Module, OptLevel,
    PoolingAllocationConfig, Store, Val,
};

use crate::abi::{Call, Phase};
use crate::calls;
use crate::count::Counts;
use crate::fault::Faults;
use crate::property::{self, Property};
use crate::state::{LogLine, State};
use crate::world::World;

/// The id of the root context; those of streams follow.
const ROOT: u32 = 1;

/// The most fuel for one callback: about ten seconds. A callback that needs more never ends.
const FUEL: u64 = 20_000_000_000;

/// The bytes of a VM's memory that stay mapped for the next VM: all of one with the default configuration.
const KEPT_MEMORY: usize = 4 * 1024 * 1024;

/// The number of log lines in a [`Trap`].
const LOG_TAIL: usize = 5;

/// A trap in the module. Envoy would stop the plugin on this worker.
#[derive(Debug, Clone)]
pub struct Trap {
    /// The export that was called.
    pub callback: &'static str,
    /// The cause, and the module's last log lines (which contain the location of a panic).
    pub message: String,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trap in {}: {}", self.callback, self.message)
    }
}

impl std::error::Error for Trap {}

/// A compiled module, from which VMs are started.
pub struct Host {
    module: Module,
    pre: InstancePre<State>,
}

impl Host {
    /// Loads the real module: `$TIDEGATE_WASM`, else `dist/tidegate.wasm` of the workspace.
    ///
    /// # Panics
    /// If there is no module, with a hint how to build it; or if this host cannot link it.
    pub fn load() -> Host {
        let path = module_path();
        let bytes = std::fs::read(&path).unwrap_or_else(|error| {
            panic!(
                "no module at {}: {error}\nrun `make wasm` (or set TIDEGATE_WASM)",
                path.display()
            )
        });
        Host::from_bytes(&bytes).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()))
    }

    /// Compiles a proxy-wasm module.
    ///
    /// # Errors
    /// If the bytes are not a module, or import a call of [`Call::ALL`] with another signature. Other
    /// imports of `env` are linked to a trap that names them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Host, Error> {
        let mut config = Config::new();
        config.consume_fuel(true);
        // Compiling takes longer than running, so code generation is as fast as possible.
        config.cranelift_opt_level(OptLevel::None);
        // Tests start thousands of VMs: each takes the mapped memory of one that has ended.
        let mut pool = PoolingAllocationConfig::new();
        pool.linear_memory_keep_resident(KEPT_MEMORY);
        config.allocation_strategy(pool);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, bytes)?;
        let mut linker = Linker::new(&engine);
        calls::define(&mut linker)?;
        for import in module.imports() {
            let known = Call::ALL.iter().any(|call| call.name() == import.name());
            if let (ExternType::Func(ty), false) = (import.ty(), known) {
                let name = format!("{}.{}", import.module(), import.name());
                let trap = move |_: wasmtime::Caller<'_, State>, _: &[Val], _: &mut [Val]| {
                    Err(Error::msg(format!(
                        "{name} called, which this host does not answer"
                    )))
                };
                linker.func_new(import.module(), import.name(), ty, trap)?;
            }
        }
        let pre = linker.instantiate_pre(&module)?;
        Ok(Host { module, pre })
    }

    /// Returns the names of all exports, sorted.
    pub fn exports(&self) -> BTreeSet<String> {
        self.module
            .exports()
            .map(|export| export.name().to_owned())
            .collect()
    }

    /// Returns the names of all imports (`module.name`), sorted.
    pub fn imports(&self) -> BTreeSet<String> {
        self.module
            .imports()
            .map(|i| format!("{}.{}", i.module(), i.name()))
            .collect()
    }

    /// Starts a VM in a world, and configures its plugin with `config`.
    ///
    /// # Errors
    /// If the module traps. [`Vm::configured`] returns whether it accepted the configuration.
    pub fn start(&self, world: &World, config: &[u8]) -> Result<Vm, Trap> {
        self.start_with(world, config, Faults::none())
    }

    /// Starts a VM as [`Host::start`] does, with faults in force from the first call.
    ///
    /// # Errors
    /// When the module traps.
    pub fn start_with(&self, world: &World, config: &[u8], faults: Faults) -> Result<Vm, Trap> {
        let mut state = State::new(world.clone());
        state.faults = faults;
        let mut vm = Vm::instantiate(&self.pre, state).map_err(|error| Trap {
            callback: "(start)",
            message: format!("{error:#}"),
        })?;
        vm.call("_initialize", Phase::Start, 0, &[])?;
        vm.store.data_mut().contexts.insert(ROOT);
        vm.call("proxy_on_context_create", Phase::Create, ROOT, &[ROOT, 0])?;
        if vm.call("proxy_on_vm_start", Phase::Configure, ROOT, &[ROOT, 0])? != Some(0) {
            vm.configured = vm.configure(config)?;
        }
        Ok(vm)
    }
}

/// Returns the path of the real module: `$TIDEGATE_WASM`, else `dist/tidegate.wasm` of the workspace.
pub fn module_path() -> PathBuf {
    match std::env::var_os("TIDEGATE_WASM") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join("dist")
            .join("tidegate.wasm"),
    }
}

fn refuel(store: &mut Store<State>) {
    // Fails only if the engine does not count fuel, and each engine of this host does.
    let _ = store.set_fuel(FUEL);
}

/// A VM, as one worker thread of Envoy runs it.
pub struct Vm {
    pre: InstancePre<State>,
    pub(crate) store: Store<State>,
    instance: wasmtime::Instance,
    dead: bool,
    configured: bool,
    pub(crate) next_id: u32,
}

impl Vm {
    /// Makes a VM of the module, in which nothing has run yet.
    fn instantiate(pre: &InstancePre<State>, state: State) -> Result<Vm, Error> {
        let mut store = Store::new(pre.module().engine(), state);
        refuel(&mut store);
        let instance = pre.instantiate(&mut store)?;
        let malloc = ["malloc", "proxy_on_memory_allocate"]
            .iter()
            .find_map(|name| instance.get_typed_func::<u32, u32>(&mut store, name).ok());
        let memory = instance.get_memory(&mut store, "memory");
        store.data_mut().memory = memory;
        store.data_mut().malloc = malloc;
        Ok(Vm {
            pre: pre.clone(),
            store,
            instance,
            dead: false,
            configured: false,
            next_id: ROOT + 1,
        })
    }

    /// Returns a VM in the same state, in a world of its own with the same shared data and metrics. It is
    /// cheap: a start executes five million instructions of the module, a copy none.
    ///
    /// Copies the module's memory, and not its globals and tables: between callbacks these have the values
    /// that they had at the start.
    ///
    /// # Panics
    /// If the module has no memory, or if there is none for the copy.
    pub fn copy(&self) -> Vm {
        let from = self.store.data();
        let world = from.world.copy();
        let mut vm = Vm::instantiate(&self.pre, State::new(world.clone())).expect("a second VM");
        let memory = vm.store.data().memory.expect("a memory");
        let bytes = from.memory.expect("a memory").data(&self.store);
        let more = bytes.len().saturating_sub(memory.data_size(&vm.store)) as u64;
        let pages = more / memory.page_size(&vm.store);
        memory.grow(&mut vm.store, pages).expect("memory");
        memory.data_mut(&mut vm.store).copy_from_slice(bytes);
        let malloc = vm.store.data().malloc.clone();
        *vm.store.data_mut() = State {
            world,
            memory: Some(memory),
            malloc,
            ..from.clone()
        };
        Vm {
            dead: self.dead,
            configured: self.configured,
            next_id: self.next_id,
            ..vm
        }
    }

    /// Calls an export. Returns `None` if the module has no such export, which Envoy then skips, or if the
    /// export returns nothing.
    pub(crate) fn call(
        &mut self,
        callback: &'static str,
        phase: Phase,
        active: u32,
        params: &[u32],
    ) -> Result<Option<u32>, Trap> {
        if self.dead {
            let message = "the module trapped before and is dead".to_owned();
            return Err(Trap { callback, message });
        }
        let Some(func) = self.instance.get_func(&mut self.store, callback) else {
            return Ok(None);
        };
        let state = self.store.data_mut();
        state.phase = phase;
        state.active = active;
        *state.counts.calls_in.entry(callback).or_default() += 1;
        refuel(&mut self.store);
        let params: Vec<Val> = params.iter().map(|p| Val::I32(*p as i32)).collect();
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        let result = func.call(&mut self.store, &params, &mut results);
        let used = FUEL.saturating_sub(self.store.get_fuel().unwrap_or(FUEL));
        let state = self.store.data_mut();
        state.phase = Phase::Idle;
        state.counts.fuel += used;
        if let Err(error) = result {
            self.dead = true;
            let tail = &state.log[state.log.len().saturating_sub(LOG_TAIL)..];
            let tail: Vec<&str> = tail.iter().map(|line| line.message.as_str()).collect();
            let message = format!("{error:#}\nlog: {}", tail.join("\n     "));
            return Err(Trap { callback, message });
        }
        Ok(results
            .first()
            .and_then(|value| value.i32())
            .map(|value| value as u32))
    }

    /// Gives the plugin a configuration. Returns whether the plugin accepts it.
    ///
    /// # Errors
    /// When the module traps.
    pub fn configure(&mut self, config: &[u8]) -> Result<bool, Trap> {
        self.store.data_mut().config = config.to_vec();
        let size = config.len() as u32;
        let accepted = self.call("proxy_on_configure", Phase::Configure, ROOT, &[ROOT, size])?;
        Ok(accepted != Some(0))
    }

    /// Returns whether the plugin accepted the configuration given at the start.
    pub fn configured(&self) -> bool {
        self.configured
    }

    /// Advances the clock, and ticks once if the module has set a tick period.
    ///
    /// # Errors
    /// When the module traps.
    pub fn tick(&mut self, ms_later: u64) -> Result<(), Trap> {
        self.advance(ms_later);
        if self.store.data().tick_ms.is_some() {
            self.call("proxy_on_tick", Phase::Tick, ROOT, &[ROOT])?;
        }
        Ok(())
    }

    /// Ends the plugin, as Envoy does at a new configuration and at shutdown.
    ///
    /// # Errors
    /// When the module traps.
    pub fn shutdown(&mut self) -> Result<(), Trap> {
        self.call("proxy_on_done", Phase::Done, ROOT, &[ROOT])?;
        self.call("proxy_on_delete", Phase::Done, ROOT, &[ROOT])?;
        Ok(())
    }

    /// Returns the tick period that the module has set, in milliseconds.
    pub fn tick_period_ms(&self) -> Option<u32> {
        self.store.data().tick_ms
    }

    /// Advances the clock.
    pub fn advance(&mut self, ms: u64) {
        let now = &mut self.store.data_mut().now_ns;
        *now = now.saturating_add(ms.saturating_mul(1_000_000));
    }

    /// Sets the clock, in nanoseconds since the Unix epoch.
    pub fn set_now_ns(&mut self, now: u64) {
        self.store.data_mut().now_ns = now;
    }

    /// Replaces the faults in force.
    pub fn set_faults(&mut self, faults: Faults) {
        self.store.data_mut().faults = faults;
    }

    /// Returns the faults in force.
    pub fn faults(&self) -> &Faults {
        &self.store.data().faults
    }

    /// Sets a property for every stream, by its dotted name.
    pub fn set_property(&mut self, name: &str, value: impl Into<Property>) {
        self.store
            .data_mut()
            .properties
            .insert(property::key(name), value.into());
    }

    /// Returns what crossed the boundary since the last [`Vm::reset_counts`].
    pub fn counts(&self) -> &Counts {
        &self.store.data().counts
    }

    /// Resets the counts.
    pub fn reset_counts(&mut self) {
        self.store.data_mut().counts = Counts::default();
    }

    /// Returns what the module logged since the last call.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.store.data_mut().log)
    }

    /// Returns what the module did since the last call that Envoy would not tolerate.
    pub fn take_misuse(&mut self) -> Vec<String> {
        std::mem::take(&mut self.store.data_mut().misuse)
    }

    /// Returns the size of the module's memory in bytes. It never shrinks.
    pub fn memory_bytes(&self) -> usize {
        self.store
            .data()
            .memory
            .map_or(0, |memory| memory.data_size(&self.store))
    }
}
