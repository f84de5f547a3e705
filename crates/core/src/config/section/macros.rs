//! The macros that define options and words.

/// Defines objects of options. Each field is
///
/// ```text
/// /// What the option does: shown by rustdoc, the reference page and the JSON Schema.
/// name: Type = option_type(...).default(...),
/// ```
///
/// The key of an option is the name of its field, or the one given by `as "key"`. After the struct,
/// `removed { "key" => "use ..." }` lists keys of earlier versions, whose error says what to use instead.
macro_rules! options {
    ($(
        $(#[doc = $about:literal])+
        pub struct $name:ident {$(
            $(#[doc = $doc:literal])+
            $field:ident $(as $key:literal)?: $of:ty = $entry:expr
        ),* $(,)?} $(removed {$($removed:literal => $instead:literal),* $(,)?})?
    )*) => {$(
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $of),*
        }

        impl $crate::config::section::Section for $name {
            fn fields() -> Vec<$crate::config::shape::Field> {
                use $crate::config::section::{entry, Entry};
                let mut fields = Vec::new();
                $(
                    let doc = $crate::config::section::doc(concat!($($doc),+));
                    let key = $crate::config::section::option_key!($field $($key)?);
                    fields.extend(entry::<$of, _>($entry).fields(key, doc));
                )*
                fields
            }

            fn push_keys(keys: &mut Vec<&'static str>) {
                use $crate::config::section::push_keys_of;
                $(
                    let key = $crate::config::section::option_key!($field $($key)?);
                    push_keys_of::<$of, _>(|| $entry, key, keys);
                )*
            }

            fn read_option(
                &mut self,
                found: &str,
                json: &$crate::config::Json,
                v: &mut $crate::config::Validator,
            ) -> bool {
                use $crate::config::section::read_entry;
                false $(|| {
                    let key = $crate::config::section::option_key!($field $($key)?);
                    read_entry::<$of, _>(|| $entry, &mut self.$field, key, found, json, v)
                })* $(|| {
                    let removed = &[$(($removed, $instead)),*];
                    $crate::config::section::refuse_removed(removed, found, v)
                })?
            }

            fn check_required(
                json: &$crate::config::Json,
                v: &mut $crate::config::Validator,
            ) {
                use $crate::config::section::{entry, Entry};
                $(
                    let key = $crate::config::section::option_key!($field $($key)?);
                    entry::<$of, _>($entry).check_required(key, json, v);
                )*
            }

            fn write(&self) -> Vec<(String, $crate::config::Json)> {
                use $crate::config::section::{entry, Entry};
                let mut entries = Vec::new();
                $(
                    let key = $crate::config::section::option_key!($field $($key)?);
                    entries.extend(entry::<$of, _>($entry).write(&self.$field, key));
                )*
                entries
            }
        }

        impl Default for $name {
            fn default() -> Self {
                use $crate::config::section::{entry, Entry};
                Self { $($field: entry::<$of, _>($entry).initial()),* }
            }
        }
    )*};
}
pub(in crate::config) use options;

/// Returns the key of an option: the name of its field, or the one that `as` gives.
macro_rules! option_key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}
pub(in crate::config) use option_key;

/// Defines an option that is one of some words. Each variant is
///
/// ```text
/// /// What the word means, as a sentence: shown by rustdoc and the reference page.
/// Variant = "word",
/// ```
macro_rules! words {
    ($(
        $(#[doc = $about:literal])+
        $vis:vis enum $name:ident {$(
            $(#[doc = $doc:literal])+
            $variant:ident = $word:literal
        ),* $(,)?}
    )*) => {$(
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name {
            $($(#[doc = $doc])+ $variant),*
        }

        impl $crate::config::option::Words for $name {
            const ALL: &'static [(Self, $crate::config::shape::Word)] = &[$((
                Self::$variant,
                $crate::config::shape::Word { name: $word, doc: concat!($($doc),+) },
            )),*];
        }
    )*};
}
pub(in crate::config) use words;

/// Returns the key of an option that is named like its field. A typo does not compile.
macro_rules! key {
    ($section:ident.$field:ident) => {{
        let _ = |section: &$crate::config::$section| {
            let _ = &section.$field;
        };
        stringify!($field)
    }};
}
pub(crate) use key;
