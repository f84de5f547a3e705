//! The callbacks that Envoy calls, without the SDK's dispatcher: what `make wasm` makes.
//!
//! The dispatcher exports every callback there is, and Envoy calls what is exported; it keeps the
//! contexts in hash maps, and panics on an id that it does not know. Here are just the callbacks
//! that do something, a table of contexts, and no panic: an unknown id is nobody's, and passes.
//!
//! The names and types are those of proxy-wasm ABI 0.2.1 (proxy-wasm-cpp-host, `wasm.cc`,
//! `getFunctions`).

use alloc::alloc::alloc_zeroed;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::cell::RefCell;

use crate::log_sink;
use crate::root::Root;
use crate::stream::Stream;

/// What every callback that could stop the filter chain says.
const CONTINUE: u32 = 0;

/// What `thread_local!` would be, which is in the standard library only.
struct OfThisThread(RefCell<Contexts>);

// SAFETY: a module without threads, built for a target that has none, is one thread.
unsafe impl Sync for OfThisThread {}

static CONTEXTS: OfThisThread = OfThisThread(RefCell::new(Contexts::new()));

/// All contexts of this worker.
struct Contexts {
    /// One for each plugin configuration: few.
    roots: Vec<(u32, Root)>,
    streams: Streams,
}

impl Contexts {
    const fn new() -> Self {
        Self {
            roots: Vec::new(),
            streams: Streams::new(),
        }
    }

    fn root(&mut self, id: u32) -> Option<&mut Root> {
        self.roots
            .iter_mut()
            .find(|(root, _)| *root == id)
            .map(|(_, root)| root)
    }
}

/// Rows of the table of streams. Ids count up, so that the streams of a busy worker spread over
/// the rows evenly.
const ROWS: usize = 256;

/// The streams by their ids. Boxed: the next one gets the memory that the last one left, where each row
/// would keep room for four of them (256 KB in all).
struct Streams([Vec<(u32, Box<Stream>)>; ROWS]);

impl Streams {
    const fn new() -> Self {
        Self([const { Vec::new() }; ROWS])
    }

    fn row(&mut self, id: u32) -> Option<&mut Vec<(u32, Box<Stream>)>> {
        let at = usize::try_from(id).ok()?.checked_rem(ROWS)?;
        self.0.get_mut(at)
    }

    fn insert(&mut self, id: u32, stream: Stream) {
        if let Some(row) = self.row(id) {
            row.push((id, Box::new(stream)));
        }
    }

    fn get(&mut self, id: u32) -> Option<&mut Stream> {
        self.row(id)?
            .iter_mut()
            .find(|(other, _)| *other == id)
            .map(|(_, stream)| &mut **stream)
    }

    fn remove(&mut self, id: u32) {
        if let Some(row) = self.row(id) {
            if let Some(at) = row.iter().position(|(other, _)| *other == id) {
                row.swap_remove(at);
            }
        }
    }
}

/// Does something with the contexts. No host calls back into the module from a host call (but for
/// `malloc`, which needs none of them); should one ever do so, that call does nothing.
fn with<T>(default: T, work: impl FnOnce(&mut Contexts) -> Option<T>) -> T {
    let contexts = CONTEXTS.0.try_borrow_mut();
    contexts
        .ok()
        .and_then(|mut contexts| work(&mut contexts))
        .unwrap_or(default)
}

fn with_stream(id: u32, work: impl FnOnce(&mut Stream)) -> u32 {
    with(CONTINUE, |contexts| {
        work(contexts.streams.get(id)?);
        Some(CONTINUE)
    })
}

#[no_mangle]
extern "C" fn _initialize() {
    log_sink::install();
}

/// Says which interface this is; never called.
#[no_mangle]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Room for what the host wants to hand over; null where there is none. `host::take` takes it over.
#[no_mangle]
extern "C" fn malloc(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        // SAFETY: the layout is not empty. (`resize` of a `Vec` would write byte after byte.)
        Ok(layout) if size > 0 => unsafe { alloc_zeroed(layout) },
        _ => core::ptr::null_mut(),
    }
}

#[no_mangle]
extern "C" fn proxy_on_context_create(id: u32, root_id: u32) {
    with((), |contexts| {
        if root_id == 0 {
            contexts.roots.push((id, Root::default()));
        } else {
            let stream = contexts.root(root_id)?.stream(id);
            contexts.streams.insert(id, stream);
        }
        Some(())
    });
}

#[no_mangle]
extern "C" fn proxy_on_configure(id: u32, size: usize) -> u32 {
    with(0, |contexts| {
        Some(u32::from(contexts.root(id)?.configure(size)))
    })
}

#[no_mangle]
extern "C" fn proxy_on_tick(id: u32) {
    with((), |contexts| {
        contexts.root(id)?.tick();
        Some(())
    });
}

#[no_mangle]
extern "C" fn proxy_on_request_headers(id: u32, _count: u32, _end_of_stream: u32) -> u32 {
    with_stream(id, Stream::request_headers)
}

#[no_mangle]
extern "C" fn proxy_on_response_headers(id: u32, _count: u32, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| stream.response_headers(end_of_stream != 0))
}

#[no_mangle]
extern "C" fn proxy_on_response_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    with_stream(id, |stream| stream.response_body(size, end_of_stream != 0))
}

#[no_mangle]
extern "C" fn proxy_on_response_trailers(id: u32, _count: u32) -> u32 {
    with_stream(id, Stream::response_trailers)
}

#[no_mangle]
extern "C" fn proxy_on_log(id: u32) {
    with_stream(id, Stream::log);
}

#[no_mangle]
extern "C" fn proxy_on_delete(id: u32) {
    with((), |contexts| {
        contexts.streams.remove(id);
        contexts.roots.retain(|(root, _)| *root != id);
        Some(())
    });
}
