//! The terms of the ABI: host calls, statuses, header maps, and the callbacks of a stream.

/// Statuses of host calls (`WasmResult` of the C++ host).
pub mod status {
    /// Success.
    pub const OK: u32 = 0;
    /// No such key, buffer or property.
    pub const NOT_FOUND: u32 = 1;
    /// An argument that is not valid in this callback.
    pub const BAD_ARGUMENT: u32 = 2;
    /// The value exists but cannot be expressed in bytes.
    pub const SERIALIZATION_FAILURE: u32 = 3;
    /// The given bytes could not be parsed.
    pub const PARSE_FAILURE: u32 = 4;
    /// A pointer or size outside of the module's memory.
    pub const INVALID_MEMORY_ACCESS: u32 = 6;
    /// Another worker wrote in between.
    pub const CAS_MISMATCH: u32 = 8;
    /// All statuses that a test should try: those of the C++ host, and one that no host returns.
    pub const EVERY: [u32; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255];
}

/// What a host call returns besides its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// Nothing.
    Nothing,
    /// A number, which the host writes to the module's memory.
    Number,
    /// Bytes, for which the host allocates by calling the module's `malloc`.
    Data,
}

macro_rules! calls {
    ($( $variant:ident $name:literal $gives:ident; )+) => {
        /// A host call that this host implements.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is named as in the ABI")]
        pub enum Call { $( $variant, )+ }

        impl Call {
            /// All calls, in the order of the ABI's documentation.
            pub const ALL: &'static [Call] = &[ $( Call::$variant, )+ ];

            /// Returns the name of the import: in the module `env`, but for `random_get`, which is of WASI.
            pub fn name(self) -> &'static str {
                match self { $( Call::$variant => $name, )+ }
            }

            /// Returns what the call returns besides its status.
            pub fn gives(self) -> Gives {
                match self { $( Call::$variant => Gives::$gives, )+ }
            }
        }
    };
}

calls! {
    Log "proxy_log" Nothing;
    GetLogLevel "proxy_get_log_level" Number;
    GetCurrentTime "proxy_get_current_time_nanoseconds" Number;
    SetTickPeriod "proxy_set_tick_period_milliseconds" Nothing;
    GetBufferBytes "proxy_get_buffer_bytes" Data;
    SetBufferBytes "proxy_set_buffer_bytes" Nothing;
    GetHeaderMapPairs "proxy_get_header_map_pairs" Data;
    SetHeaderMapPairs "proxy_set_header_map_pairs" Nothing;
    GetHeaderMapValue "proxy_get_header_map_value" Data;
    ReplaceHeaderMapValue "proxy_replace_header_map_value" Nothing;
    AddHeaderMapValue "proxy_add_header_map_value" Nothing;
    RemoveHeaderMapValue "proxy_remove_header_map_value" Nothing;
    GetProperty "proxy_get_property" Data;
    SetProperty "proxy_set_property" Nothing;
    GetSharedData "proxy_get_shared_data" Data;
    SetSharedData "proxy_set_shared_data" Nothing;
    SendLocalResponse "proxy_send_local_response" Nothing;
    ContinueStream "proxy_continue_stream" Nothing;
    CloseStream "proxy_close_stream" Nothing;
    DefineMetric "proxy_define_metric" Number;
    GetMetric "proxy_get_metric" Number;
    RecordMetric "proxy_record_metric" Nothing;
    IncrementMetric "proxy_increment_metric" Nothing;
    Done "proxy_done" Nothing;
    SetEffectiveContext "proxy_set_effective_context" Nothing;
    RandomGet "random_get" Nothing;
}

/// A header map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named as in the ABI")]
pub enum MapType {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
}

impl MapType {
    /// Converts the ABI's number; returns `None` for the maps of gRPC and HTTP calls of a filter.
    pub fn from_abi(value: u32) -> Option<MapType> {
        Some(match value {
            0 => MapType::RequestHeaders,
            1 => MapType::RequestTrailers,
            2 => MapType::ResponseHeaders,
            3 => MapType::ResponseTrailers,
            _ => return None,
        })
    }
}

/// The callback that is running. It decides what a host call may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named as its callback")]
pub enum Phase {
    Idle,
    Start,
    Configure,
    Tick,
    Create,
    RequestHeaders,
    RequestBody,
    RequestTrailers,
    ResponseHeaders,
    ResponseBody,
    ResponseTrailers,
    Log,
    Done,
}
