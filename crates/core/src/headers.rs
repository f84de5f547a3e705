//! Header maps as the host hands them over: one block of bytes, parsed only when asked.
