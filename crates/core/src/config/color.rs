//! Colours and their contrast.

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Color {
    /// The background of the built-in page in a light scheme.
    pub const LIGHT_PAGE: Color = Color {
        r: 0xfa,
        g: 0xfb,
        b: 0xfc,
    };
    /// The background of the built-in page in a dark scheme.
    pub const DARK_PAGE: Color = Color {
        r: 0x10,
        g: 0x17,
        b: 0x1f,
    };

    /// Reads `#rgb` or `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        // `from_str_radix` would also accept a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let digits: String = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            6 => digits.to_owned(),
            _ => return None,
        };
        let [_, r, g, b] = u32::from_str_radix(&digits, 16).ok()?.to_be_bytes();
        Some(Self { r, g, b })
    }

    /// Writes the colour as `#rrggbb`.
    pub fn to_hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }

    /// Returns the relative luminance, from 0 (black) to 1 (white), as WCAG 2.2 defines it.
    pub fn luminance(self) -> f64 {
        0.2126 * linear(self.r) + 0.7152 * linear(self.g) + 0.0722 * linear(self.b)
    }

    /// Returns the contrast ratio, from 1 (equal) to 21 (black and white), as WCAG 2.2 defines it.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

/// Returns the linear value of an sRGB channel, from 0 to 1.
fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        let base = (value + 0.055) / 1.055;
        // base^2.4, as base^2 · (base^2)^(1/5).
        let square = base * base;
        square * fifth_root(square)
    }
}

/// Returns the fifth root of a number in (0, 1], by Newton's method. Unlike `powf`, the four basic
/// operations give the same bits on every machine, so that the command and the filter never disagree
/// about a colour.
fn fifth_root(number: f64) -> f64 {
    // From above, every step approaches the root and none passes it. From 1, 12 steps reach the last
    // bit for the smallest number that a channel gives (0.0079).
    let mut root = 1.0_f64;
    for _ in 0..16 {
        let fourth = root * root * root * root;
        root -= (fourth * root - number) / (5.0 * fourth);
    }
    root
}

#[cfg(test)]
mod tests;
