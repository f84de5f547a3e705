//! Reads the text of JSON (RFC 8259).
//!
//! `serde_json` would do the same in six times the code: its numbers alone bring a table of powers
//! and one of hexadecimal digits, and it is made for types, not for one tree. The tests hold this
//! reader to it: same trees, same mistakes found at the same places, in the same words.

use crate::config::error::Fault;
use crate::prelude::*;

use super::Json;

/// Lists and objects within each other: bounds the stack.
const DEEPEST: usize = 127;

/// Reads a whole document.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, Fault> {
    let mut reader = Reader { bytes, at: 0 };
    let json = reader.value(DEEPEST)?;
    match reader.after_space() {
        None => Ok(json),
        Some(_) => Err(reader.fault_ahead("trailing characters")),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// How many bytes have been read.
    at: usize,
}

type Read<T> = Result<T, Fault>;

/// What is wrong where the document ends too early.
const NO_VALUE: &str = "EOF while parsing a value";
const NO_END_OF_STRING: &str = "EOF while parsing a string";

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self) {
        self.at = self.at.wrapping_add(1);
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.skip();
        Some(byte)
    }

    /// The next byte that is no white space, not read yet.
    fn after_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.skip();
        }
        self.peek()
    }

    /// The next byte, read, if it is a digit.
    fn digit(&mut self) -> Option<u8> {
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.skip();
        Some(digit.wrapping_sub(b'0'))
    }

    /// A fault in what was read last.
    #[cold]
    fn fault(&self, problem: &str) -> Fault {
        self.fault_at(self.at, 0, problem)
    }

    /// A fault in what comes next.
    #[cold]
    fn fault_ahead(&self, problem: &str) -> Fault {
        let at = self.at.wrapping_add(1).min(self.bytes.len());
        self.fault_at(at, 0, problem)
    }

    /// A fault so many bytes before the end of what is read up to `at`, in the same line.
    #[cold]
    fn fault_at(&self, at: usize, before: usize, problem: &str) -> Fault {
        let read = self.bytes.get(..at).unwrap_or_default();
        let in_line = read.iter().rev().take_while(|byte| **byte != b'\n').count();
        let lines = read.iter().filter(|byte| **byte == b'\n').count();
        Fault::NotJson {
            line: lines.wrapping_add(1),
            column: in_line.saturating_sub(before),
            problem: problem.to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> Read<Json> {
        let Some(first) = self.after_space() else {
            return Err(self.fault_ahead(NO_VALUE));
        };
        match first {
            b'n' => self.word(b"null", Json::Null),
            b't' => self.word(b"true", Json::Bool(true)),
            b'f' => self.word(b"false", Json::Bool(false)),
            b'-' => {
                self.skip();
                self.number(true)
            }
            b'0'..=b'9' => self.number(false),
            b'"' => Ok(Json::String(self.string()?)),
            b'[' | b'{' => {
                let Some(depth) = depth.checked_sub(1) else {
                    return Err(self.fault_ahead("recursion limit exceeded"));
                };
                self.skip();
                if first == b'[' {
                    self.list(depth)
                } else {
                    self.object(depth)
                }
            }
            _ => Err(self.fault_ahead("expected value")),
        }
    }

    fn word(&mut self, word: &[u8], means: Json) -> Read<Json> {
        for expected in word {
            match self.next() {
                None => return Err(self.fault(NO_VALUE)),
                Some(byte) if byte != *expected => return Err(self.fault("expected ident")),
                Some(_) => {}
            }
        }
        Ok(means)
    }

    fn list(&mut self, depth: usize) -> Read<Json> {
        let mut items = Vec::new();
        loop {
            match self.after_space() {
                None => return Err(self.fault_ahead("EOF while parsing a list")),
                Some(b']') => {
                    self.skip();
                    return Ok(Json::List(items));
                }
                Some(_) if items.is_empty() => {}
                Some(b',') => {
                    self.skip();
                    if self.after_space() == Some(b']') {
                        return Err(self.fault_ahead("trailing comma"));
                    }
                }
                Some(_) => return Err(self.fault_ahead("expected `,` or `]`")),
            }
            items.push(self.value(depth)?);
        }
    }

    fn object(&mut self, depth: usize) -> Read<Json> {
        const NO_END: &str = "EOF while parsing an object";
        let mut entries = Vec::new();
        loop {
            match self.after_space() {
                None => return Err(self.fault_ahead(NO_END)),
                Some(b'}') => {
                    self.skip();
                    return Ok(Json::Object(entries));
                }
                Some(_) if entries.is_empty() => {}
                Some(b',') => {
                    self.skip();
                    match self.after_space() {
                        None => return Err(self.fault_ahead(NO_VALUE)),
                        Some(b'}') => return Err(self.fault_ahead("trailing comma")),
                        Some(_) => {}
                    }
                }
                Some(_) => return Err(self.fault_ahead("expected `,` or `}`")),
            }
            if self.peek() != Some(b'"') {
                return Err(self.fault_ahead("key must be a string"));
            }
            let key = self.string()?;
            match self.after_space() {
                None => return Err(self.fault_ahead(NO_END)),
                Some(b':') => self.skip(),
                Some(_) => return Err(self.fault_ahead("expected `:`")),
            }
            entries.push((key, self.value(depth)?));
        }
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Read<String> {
        self.skip();
        let mut text = Vec::new();
        loop {
            // All at once, up to what means something: a template is one long string.
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let plain = rest.iter().take_while(is_plain).count();
            text.extend_from_slice(rest.get(..plain).unwrap_or_default());
            self.at = self.at.wrapping_add(plain);
            match self.next() {
                None => return Err(self.fault(NO_END_OF_STRING)),
                Some(b'"') => break,
                Some(b'\\') => {
                    let character = self.escape()?;
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(0..=0x1f) => {
                    return Err(self
                        .fault("control character (\\u0000-\\u001F) found while parsing a string"))
                }
                Some(byte) => text.push(byte),
            }
        }
        let size = text.len();
        String::from_utf8(text).map_err(|error| {
            let rest = size.saturating_sub(error.utf8_error().valid_up_to());
            self.fault_at(self.at, rest, "invalid unicode code point")
        })
    }

    /// What stands after a backslash.
    fn escape(&mut self) -> Read<char> {
        Ok(match self.next() {
            None => return Err(self.fault(NO_END_OF_STRING)),
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            Some(_) => return Err(self.fault("invalid escape")),
        })
    }

    /// What stands after `\u`: a character, or the first half of one that takes two escapes.
    fn unicode(&mut self) -> Read<char> {
        const LONE: &str = "lone leading surrogate in hex escape";
        let first = self.hexadecimal()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        if first >= 0xdc00 {
            return Err(self.fault(LONE));
        }
        for expected in b"\\u" {
            match self.peek() {
                None => return Err(self.fault(NO_END_OF_STRING)),
                Some(byte) => {
                    self.skip();
                    if byte != *expected {
                        return Err(self.fault("unexpected end of hex escape"));
                    }
                }
            }
        }
        let second = self.hexadecimal()?;
        // Ten bits of each half, above the characters that need only one.
        let character = match second {
            0xdc00..=0xdfff => char::from_u32(
                0x1_0000_u32.wrapping_add(((first & 0x3ff) << 10) | (second & 0x3ff)),
            ),
            _ => None,
        };
        character.ok_or_else(|| self.fault(LONE))
    }

    /// Four hexadecimal digits.
    fn hexadecimal(&mut self) -> Read<u32> {
        let end = self.at.wrapping_add(4);
        let Some(digits) = self.bytes.get(self.at..end) else {
            self.at = self.bytes.len();
            return Err(self.fault(NO_END_OF_STRING));
        };
        self.at = end;
        let number = digits.iter().try_fold(0_u32, |number, digit| {
            Some((number << 4) | char::from(*digit).to_digit(16)?)
        });
        number.ok_or_else(|| self.fault("invalid escape"))
    }

    /// A number, from its first digit on. Digits beyond 64 bits only count for its size.
    fn number(&mut self, is_negative: bool) -> Read<Json> {
        let mut digits: u64 = 0;
        let mut power: i32 = 0;
        match self.peek() {
            None => return Err(self.fault(NO_VALUE)),
            Some(b'0') => {
                self.skip();
                if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                    return Err(self.fault_ahead("invalid number"));
                }
            }
            Some(b'1'..=b'9') => {
                let mut is_full = false;
                while let Some(digit) = self.digit() {
                    if !is_full {
                        is_full = !append(&mut digits, digit);
                    }
                    if is_full {
                        power = power.saturating_add(1);
                    }
                }
            }
            Some(_) => {
                self.skip();
                return Err(self.fault("invalid number"));
            }
        }
        if power == 0 && !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Ok(whole(is_negative, digits));
        }
        if self.peek() == Some(b'.') {
            self.skip();
            self.decimals(&mut digits, &mut power)?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.skip();
            power = self.exponent(power, digits == 0)?;
        }
        let Some(size) = scaled(digits, power) else {
            return Err(self.fault("number out of range"));
        };
        Ok(fraction(if is_negative { -size } else { size }))
    }

    /// What stands after the point.
    fn decimals(&mut self, digits: &mut u64, power: &mut i32) -> Read<()> {
        let start = self.at;
        let mut is_full = false;
        while let Some(digit) = self.digit() {
            is_full = is_full || !append(digits, digit);
            if !is_full {
                *power = power.saturating_sub(1);
            }
        }
        match self.peek() {
            _ if self.at != start => Ok(()),
            Some(_) => Err(self.fault_ahead("invalid number")),
            None => Err(self.fault_ahead(NO_VALUE)),
        }
    }

    /// What stands after the `e`, on top of the power of ten so far.
    fn exponent(&mut self, power: i32, is_zero: bool) -> Read<i32> {
        let is_negative = self.peek() == Some(b'-');
        if let Some(b'+' | b'-') = self.peek() {
            self.skip();
        }
        let start = self.at;
        let mut exponent: i32 = 0;
        while let Some(digit) = self.digit() {
            let longer = exponent.checked_mul(10);
            let longer = longer.and_then(|longer| longer.checked_add(i32::from(digit)));
            if longer.is_none() && !is_negative && !is_zero {
                return Err(self.fault("number out of range"));
            }
            exponent = longer.unwrap_or(i32::MAX);
        }
        if self.at == start {
            return Err(match self.next() {
                None => self.fault(NO_VALUE),
                Some(_) => self.fault("invalid number"),
            });
        }
        Ok(if is_negative {
            power.saturating_sub(exponent)
        } else {
            power.saturating_add(exponent)
        })
    }
}

/// Appends a digit, unless the number would no longer fit.
fn append(digits: &mut u64, digit: u8) -> bool {
    let longer = digits.checked_mul(10);
    let longer = longer.and_then(|longer| longer.checked_add(u64::from(digit)));
    if let Some(longer) = longer {
        *digits = longer;
    }
    longer.is_some()
}

fn whole(is_negative: bool, digits: u64) -> Json {
    let number = if is_negative {
        0_i64.checked_sub_unsigned(digits)
    } else {
        i64::try_from(digits).ok()
    };
    match number {
        Some(number) => Json::Whole(number),
        None if is_negative => Json::Number(-(digits as f64)),
        None => Json::Number(digits as f64),
    }
}

/// The largest whole number up to which every whole number has a floating-point form of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn fraction(value: f64) -> Json {
    // Up to `EXACT` it fits; the cast cuts off what is behind the point.
    let whole = value as i64;
    if value.abs() <= EXACT && whole as f64 == value {
        Json::Whole(whole)
    } else {
        Json::Number(value)
    }
}

/// `digits` times this power of ten; `None` where that is too large.
fn scaled(digits: u64, power: i32) -> Option<f64> {
    let mut value = digits as f64;
    let mut left = power.unsigned_abs();
    while left > 0 && value != 0.0 {
        let step = left.min(LARGEST_POWER);
        left = left.saturating_sub(step);
        if power > 0 {
            value *= ten_to(step);
        } else {
            value /= ten_to(step);
        }
        if value.is_infinite() {
            return None;
        }
    }
    Some(value)
}

/// The largest power of ten that is a floating-point number.
const LARGEST_POWER: u32 = 308;

/// Ten to a power of up to [`LARGEST_POWER`], rounded once. (A table would be 2.5 KB.)
fn ten_to(power: u32) -> f64 {
    /// So many bits are kept in between: enough that what is cut off never shows.
    const BITS: u32 = 120;
    let mut value: u128 = 1 << BITS;
    let mut halvings: u64 = 0;
    for _ in 0..power {
        value = value.wrapping_mul(10);
        while value >> BITS > 1 {
            value >>= 1;
            halvings = halvings.wrapping_add(1);
        }
    }
    // Two to the power of `halvings - BITS`, as IEEE 754 has it: a biased exponent above 52 bits.
    let scale = halvings.wrapping_add(1023).wrapping_sub(u64::from(BITS));
    value as f64 * f64::from_bits(scale << 52)
}

#[cfg(test)]
mod tests;
