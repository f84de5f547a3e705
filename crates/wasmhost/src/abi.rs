//! The vocabulary of the ABI: host calls, statuses, map types, and where in a stream's life we are.

/// Statuses a host call may return (`WasmResult` of the C++ host).
pub mod status {
    /// Success.
    pub const OK: u32 = 0;
    /// No such key, buffer or property.
    pub const NOT_FOUND: u32 = 1;
    /// An argument that makes no sense now.
    pub const BAD_ARGUMENT: u32 = 2;
    /// The value exists but cannot be expressed in bytes.
    pub const SERIALIZATION_FAILURE: u32 = 3;
    /// The given bytes could not be parsed.
    pub const PARSE_FAILURE: u32 = 4;
    /// A pointer or size outside of the module's memory.
    pub const INVALID_MEMORY_ACCESS: u32 = 6;
    /// Compare-and-set lost against another writer.
    pub const CAS_MISMATCH: u32 = 8;
    /// Everything a test should try: all of the C++ host's values and one that no host has.
    pub const EVERY: [u32; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255];
}

/// What a host call hands over when it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// The status only.
    Nothing,
    /// A number, written to where the module says.
    Number,
    /// Bytes: the host allocates for them in the module, by calling its `malloc`.
    Data,
}

macro_rules! calls {
    ($( $variant:ident $name:literal $gives:ident; )+) => {
        /// A host call that this host answers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each is its ABI name
        pub enum Call { $( $variant, )+ }

        impl Call {
            /// Every call, in the order of the ABI's documentation.
            pub const ALL: &'static [Call] = &[ $( Call::$variant, )+ ];

            /// The import's name in the module `env`.
            pub fn name(self) -> &'static str {
                match self { $( Call::$variant => $name, )+ }
            }

            /// What a success hands over besides the status.
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
}

/// Which header map a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is its ABI name
pub enum MapType {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
}

impl MapType {
    /// The map of the ABI's number; `None` for the maps of calls that a filter makes itself.
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

/// The callback that is running. What a host call may see depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // each is the callback of its name
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
