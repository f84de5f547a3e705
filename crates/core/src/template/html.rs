//! Tracks the position in an HTML document: the states of the HTML tokenizer (WHATWG HTML §13.2.5) that
//! matter for escaping. Wherever a browser could read the document differently from this tokenizer, the
//! state becomes one in which no value is allowed.

use super::attribute::{local_name, Attribute, Link, DATA};

/// Longer names are in none of the tables.
const NAME_BYTES: usize = 24;

/// Elements whose content is not parsed as HTML. Character references are decoded in those from `title`
/// on.
const RAW: [&str; 9] = [
    "script",
    "style",
    "xmp",
    "iframe",
    "noembed",
    "noframes",
    "plaintext",
    "title",
    "textarea",
];
const STYLE: usize = 1;
const TITLE: usize = 7;

/// What follows `<![` at the beginning of a CDATA section.
const CDATA: &[u8] = b"CDATA[";

/// The state of the tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// In text.
    Text,
    /// After `<`.
    TagOpen,
    /// After `</`.
    EndTagOpen,
    /// After `<!` and this number of dashes.
    MarkupDeclaration(u8),
    /// After `<![` and this number of letters of [`CDATA`].
    MarkupBracket(u8),
    /// In a comment, after this number of dashes; 3 means after `--!`.
    Comment(u8),
    /// In what the tokenizer skips up to `>`: a doctype, `<?`.
    Bogus,
    /// In the name of an element.
    TagName,
    /// Between the attributes of a tag.
    Tag,
    /// In the name of an attribute.
    AttributeName,
    /// After the name of an attribute.
    AfterAttributeName,
    /// After a block that may have ended with an attribute's name.
    AfterBlock,
    /// After the `=` of an attribute.
    BeforeValue,
    /// In a value, with its quote.
    Value(u8, Attribute),
    /// In a value without quotes.
    Unquoted,
    /// In an element of [`RAW`], by its number, and whether its content contains something that looks
    /// like HTML.
    Raw(usize, bool),
    /// After `<` in such an element.
    RawTagOpen(usize, bool),
    /// In the name after `</` in such an element.
    RawEndTag(usize, bool),
    /// Where browsers differ.
    Unknown,
}

/// What a byte caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Nothing that the parser needs.
    Nothing,
    /// A `<` was read.
    LessThan,
    /// The content of a script or style begins after this byte.
    BlockStart,
    /// The content of a script, or a style (`true`), ended before the last `<`.
    BlockEnd(bool),
}

/// An HTML tokenizer that only tracks its state.
#[derive(Debug, Clone)]
pub(super) struct Tokenizer {
    pub(super) state: State,
    /// The name of the current element or attribute, or the beginning of a URL. Of a longer name, the
    /// first [`NAME_BYTES`] + 1 bytes.
    name: Vec<u8>,
    /// The number of the current element in [`RAW`].
    raw: Option<usize>,
    is_end_tag: bool,
    /// Whether the tag has an attribute `http-equiv`, or is a `base`.
    is_special: bool,
    /// Whether an attribute of this tag contains a value of the template.
    has_value: bool,
}

impl Tokenizer {
    /// Returns a tokenizer at the beginning of a document.
    pub(super) fn new() -> Self {
        Self {
            state: State::Text,
            name: Vec::new(),
            raw: None,
            is_end_tag: false,
            is_special: false,
            has_value: false,
        }
    }

    /// Returns whether a value in an attribute of this tag could act rather than be shown.
    pub(super) fn is_special(&self) -> bool {
        self.is_special || self.raw.is_some_and(|raw| raw < TITLE)
    }

    fn push_name(&mut self, byte: u8) {
        if self.name.len() <= NAME_BYTES {
            self.name.push(byte.to_ascii_lowercase());
        }
    }

    /// Returns the current name; empty if it is too long to be in a table.
    fn name(&self) -> &[u8] {
        match self.name.len() {
            ..=NAME_BYTES => &self.name,
            _ => &[],
        }
    }

    fn is_one_of(&self, names: &[&str]) -> Option<usize> {
        let name = self.name();
        names.iter().position(|other| other.as_bytes() == name)
    }

    /// Returns the byte up to which the state cannot change, if there is one.
    pub(super) fn stops_at(&self) -> Option<u8> {
        match self.state {
            State::Text | State::Raw(..) => Some(b'<'),
            State::Bogus => Some(b'>'),
            State::Value(quote, Attribute::Plain | Attribute::Forbidden) => Some(quote),
            State::Value(quote, Attribute::Link(Link::Unsafe | Link::Query)) => Some(quote),
            _ => None,
        }
    }

    /// Reads the next byte.
    pub(super) fn feed(&mut self, byte: u8) -> Event {
        let space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c');
        let letter = byte.is_ascii_alphabetic();
        self.state = match self.state {
            State::Text => match byte {
                b'<' => State::TagOpen,
                _ => State::Text,
            },
            State::TagOpen => match byte {
                b'!' => State::MarkupDeclaration(0),
                b'/' => State::EndTagOpen,
                b'?' => State::Bogus,
                b'<' => State::TagOpen,
                _ if letter => self.begin_tag(byte, false),
                _ => State::Text,
            },
            State::EndTagOpen => match byte {
                b'>' => State::Text,
                _ if letter => self.begin_tag(byte, true),
                _ => State::Bogus,
            },
            State::MarkupDeclaration(dashes) => match (dashes, byte) {
                (0, b'-') => State::MarkupDeclaration(1),
                (1, b'-') => State::Comment(2),
                (0, b'[') => State::MarkupBracket(0),
                (_, b'>') => State::Text,
                _ => State::Bogus,
            },
            State::MarkupBracket(read) => match (CDATA.get(usize::from(read)), byte) {
                // Inside an `<svg>` this begins a CDATA section, elsewhere a comment.
                (Some(b'['), b'[') => State::Unknown,
                (Some(&wanted), _) if byte == wanted => {
                    State::MarkupBracket(read.saturating_add(1))
                }
                (_, b'>') => State::Text,
                _ => State::Bogus,
            },
            State::Comment(dashes) => match (dashes, byte) {
                (2 | 3, b'>') => State::Text,
                (2, b'!') => State::Comment(3),
                (2, b'-') => State::Comment(2),
                (0 | 1, b'-') => State::Comment(dashes.saturating_add(1)),
                (_, b'-') => State::Comment(1),
                _ => State::Comment(0),
            },
            State::Bogus => match byte {
                b'>' => State::Text,
                _ => State::Bogus,
            },
            State::TagName if space || byte == b'/' || byte == b'>' => {
                self.raw = self.is_one_of(&RAW);
                self.is_special = self.name() == b"base";
                return self.after_value(byte);
            }
            State::TagName => {
                self.push_name(byte);
                State::TagName
            }
            State::Tag => return self.after_value(byte),
            State::AfterBlock if space || byte == b'/' || byte == b'>' => {
                return self.after_value(byte);
            }
            State::AfterBlock => State::Unknown,
            State::AttributeName | State::AfterAttributeName => match byte {
                b'=' => State::BeforeValue,
                b'>' | b'/' => return self.after_value(byte),
                _ if space => State::AfterAttributeName,
                _ => {
                    if self.state == State::AfterAttributeName {
                        self.name.clear();
                    }
                    self.push_name(byte);
                    State::AttributeName
                }
            },
            State::BeforeValue if byte == b'>' => return self.after_value(byte),
            State::BeforeValue if space => State::BeforeValue,
            State::BeforeValue => {
                let kind = self.attribute();
                self.name.clear();
                match byte {
                    _ if self.is_special && self.has_value => State::Unknown,
                    b'"' | b'\'' => State::Value(byte, kind),
                    _ => State::Unquoted,
                }
            }
            State::Value(quote, _) if byte == quote => State::Tag,
            State::Value(quote, Attribute::Link(link)) => {
                State::Value(quote, Attribute::Link(self.link(link, byte)))
            }
            State::Value(..) => self.state,
            State::Unquoted => match byte {
                b'>' => return self.after_value(byte),
                _ if space => State::Tag,
                _ => State::Unquoted,
            },
            State::Raw(raw, odd) => match byte {
                b'<' => State::RawTagOpen(raw, odd),
                _ => State::Raw(raw, odd),
            },
            State::RawTagOpen(raw, odd) => match byte {
                b'/' => {
                    self.name.clear();
                    State::RawEndTag(raw, odd)
                }
                b'<' => State::RawTagOpen(raw, odd),
                _ => State::Raw(raw, odd || letter || byte == b'!'),
            },
            State::RawEndTag(raw, _) if space || byte == b'/' || byte == b'>' => {
                if self.is_one_of(&RAW) == Some(raw) {
                    (self.raw, self.is_end_tag, self.has_value) = (None, true, false);
                    let event = self.after_value(byte);
                    return match raw {
                        ..=STYLE => Event::BlockEnd(raw == STYLE),
                        _ => event,
                    };
                }
                State::Raw(raw, true)
            }
            State::RawEndTag(raw, odd) if letter => {
                self.push_name(byte);
                State::RawEndTag(raw, odd)
            }
            State::RawEndTag(raw, _) => match byte {
                b'<' => State::RawTagOpen(raw, true),
                _ => State::Raw(raw, true),
            },
            State::Unknown => State::Unknown,
        };
        match byte {
            b'<' => Event::LessThan,
            _ => Event::Nothing,
        }
    }

    fn begin_tag(&mut self, byte: u8, is_end_tag: bool) -> State {
        self.name.clear();
        self.push_name(byte);
        (self.is_end_tag, self.has_value) = (is_end_tag, false);
        State::TagName
    }

    /// Reads a byte between attributes.
    fn after_value(&mut self, byte: u8) -> Event {
        self.state = match byte {
            b'>' => match self.raw {
                Some(raw) if !self.is_end_tag => {
                    self.state = State::Raw(raw, false);
                    return match raw {
                        ..=STYLE => Event::BlockStart,
                        _ => Event::Nothing,
                    };
                }
                _ => State::Text,
            },
            b'/' | b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => State::Tag,
            _ => {
                self.name.clear();
                self.push_name(byte);
                State::AttributeName
            }
        };
        Event::Nothing
    }

    /// Returns how the value of the current attribute is read.
    fn attribute(&mut self) -> Attribute {
        if self.name.starts_with(DATA) {
            return Attribute::Plain;
        }
        self.is_special |= local_name(self.name()) == b"http-equiv";
        Attribute::from_name(self.name())
    }

    /// Returns how far a URL has been read after its next byte.
    fn link(&mut self, link: Link, byte: u8) -> Link {
        let link = link.after(byte, self.name());
        if link == Link::Open {
            self.push_name(byte);
        }
        link
    }

    /// Records that the template shows a value here.
    pub(super) fn saw_value(&mut self) {
        self.has_value = true;
        if let State::Value(quote, Attribute::Link(Link::Start)) = self.state {
            self.state = State::Value(quote, Attribute::Link(Link::Open));
        }
        self.forget_scheme();
    }

    /// Forgets the beginning of a scheme, because a value or a block may have changed it.
    fn forget_scheme(&mut self) {
        if let State::Value(_, Attribute::Link(Link::Open)) = self.state {
            self.name.clear();
            self.push_name(b':');
        }
    }

    /// Merges the states after both branches of a block. Returns whether they are compatible.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        self.is_special |= other.is_special;
        self.has_value |= other.has_value;
        self.state = match (self.state, other.state) {
            (State::Tag, State::Tag) => State::Tag,
            (one, two) if is_among_attributes(one) && is_among_attributes(two) => State::AfterBlock,
            (one, two) if one == two => one,
            (State::Value(a, Attribute::Link(one)), State::Value(b, Attribute::Link(two)))
                if a == b =>
            {
                let is_unsafe = one == Link::Unsafe || two == Link::Unsafe;
                let link = if is_unsafe { Link::Unsafe } else { Link::Open };
                State::Value(a, Attribute::Link(link))
            }
            (State::Raw(a, _), State::Raw(b, _)) if a == b => State::Raw(a, true),
            _ => return false,
        };
        self.forget_scheme();
        true
    }
}

/// Returns whether the state is between attributes, or in the name of one.
fn is_among_attributes(state: State) -> bool {
    matches!(
        state,
        State::Tag | State::AttributeName | State::AfterAttributeName | State::AfterBlock
    )
}

/// Returns whether the content of this element of [`RAW`] is text with character references.
pub(super) fn is_text(raw: usize) -> bool {
    raw >= TITLE
}
