//! The form of a noun beside a number, as languages distinguish it: the plural categories of Unicode CLDR
//! for cardinal numbers, as far as whole numbers from 2 have them.

#[cfg(test)]
mod tests;

/// The forms that a text can have beside its general one, which is that for all other numbers.
pub(super) const FORMS: [&str; 5] = ["zero", "one", "two", "few", "many"];

/// Returns the form of a noun beside `n` in a language. `None` is the general form: that of every number
/// in languages that are not listed here.
pub(super) fn form(language: &str, n: u64) -> Option<&'static str> {
    let (tens, hundreds) = (n % 10, n % 100);
    let is_teen = (11..=19).contains(&hundreds);
    match language {
        // 21 minutes have the form of 1, and 22 that of 2; 11 to 14 are exceptions.
        "be" | "bs" | "hr" | "ru" | "sr" | "uk" => match tens {
            1 if !is_teen => Some("one"),
            2..=4 if !is_teen => Some("few"),
            _ => None,
        },
        "pl" if (2..=4).contains(&tens) && !is_teen => Some("few"),
        "cs" | "sk" if (2..=4).contains(&n) => Some("few"),
        "lt" => match tens {
            1 if !is_teen => Some("one"),
            2..=9 if !is_teen => Some("few"),
            _ => None,
        },
        "lv" => match tens {
            1 if !is_teen => Some("one"),
            0 => Some("zero"),
            _ if is_teen => Some("zero"),
            _ => None,
        },
        "sl" => match hundreds {
            1 => Some("one"),
            2 => Some("two"),
            3..=4 => Some("few"),
            _ => None,
        },
        "ro" if hundreds <= 19 && hundreds > 0 => Some("few"),
        "ar" => match (n, hundreds) {
            (2, _) => Some("two"),
            (_, 3..=10) => Some("few"),
            (_, 11..=99) => Some("many"),
            _ => None,
        },
        "he" if n == 2 => Some("two"),
        _ => None,
    }
}
