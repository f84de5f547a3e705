use std::fs;
use std::path::Path;

use tidegate_e2e::message::Request;

/// The header that names what is to be written, and the one with the value, in hexadecimal digits.
const KEY: &str = "x-foreign-key";
const VALUE: &str = "x-foreign-value";

/// Values that no plugin of ours writes.
pub(super) const GARBAGE: [&[u8]; 6] = [
    b"",
    b"\0",
    &[0xff; 24],
    &[0x01; 288],
    &[0xff; 2_000],
    b"other/cluster\n\xff\xfe\n\nhalf a line",
];

/// A value that looks like a record of a circuit of a later version of the filter.
pub(super) const LATER: &[u8] = &[9; 288];

/// Writes the module of the plugin to a file.
pub(super) fn write(file: &Path) {
    let text = MODULE
        .replace("KEY_LENGTH", &KEY.len().to_string())
        .replace("VALUE_LENGTH", &VALUE.len().to_string())
        .replace("$KEY", KEY)
        .replace("$VALUE", VALUE);
    let module = wat::parse_str(text).expect("a module");
    fs::write(file, module).expect("write the module");
}

/// Returns the request with which the plugin writes a value.
pub(super) fn writing(request: Request, key: &str, value: &[u8]) -> Request {
    let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    request.header(KEY, key).header(VALUE, digits)
}

/// Asked by the headers of a request, it writes a value of shared data, and lets the request pass.
const MODULE: &str = r#"(module
    (import "env" "proxy_get_header_map_value" (func $header (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    ;; 0: the key and its size, 8: the value and its size, as the host returns them.
    (data (i32.const 64) "$KEY")
    (data (i32.const 128) "$VALUE")
    (global $free (mut i32) (i32.const 1024))
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param $size i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $free))
        (global.set $free (i32.add (local.get $at) (local.get $size)))
        (local.get $at))
    (func (export "proxy_on_context_create") (param i32 i32))
    (func $digit (param $at i32) (result i32)
        (local $digit i32)
        (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
        (select (local.get $digit) (i32.sub (local.get $digit) (i32.const 39))
            (i32.lt_u (local.get $digit) (i32.const 10))))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (local $value i32) (local $size i32) (local $at i32)
        (global.set $free (i32.const 1024))
        (if (i32.eqz (call $header (i32.const 0) (i32.const 64) (i32.const KEY_LENGTH) (i32.const 0) (i32.const 4)))
            (then
                (drop (call $header (i32.const 0) (i32.const 128) (i32.const VALUE_LENGTH) (i32.const 8) (i32.const 12)))
                (local.set $value (i32.load (i32.const 8)))
                (local.set $size (i32.div_u (i32.load (i32.const 12)) (i32.const 2)))
                (block $end (loop $next
                    (br_if $end (i32.eq (local.get $at) (local.get $size)))
                    (i32.store8 (i32.add (local.get $value) (local.get $at))
                        (i32.add
                            (i32.mul (i32.const 16) (call $digit
                                (i32.add (local.get $value) (i32.mul (local.get $at) (i32.const 2)))))
                            (call $digit
                                (i32.add (local.get $value) (i32.add (i32.mul (local.get $at) (i32.const 2)) (i32.const 1))))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br $next)))
                (drop (call $set (i32.load (i32.const 0)) (i32.load (i32.const 4))
                    (local.get $value) (local.get $size) (i32.const 0)))))
        (i32.const 0)))"#;
