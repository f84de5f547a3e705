//! Where in an HTML document something stands: the states of the tokenizer (WHATWG HTML §13.2.5)
//! that matter for escaping. What the standard's tokenizer and this one could read differently is
//! made a place where nothing can stand.

/// Names longer than this are none of those that matter.
const NAME: usize = 24;

/// Elements whose content is not read as HTML; from `title` on, character references are.
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

/// Attributes that are followed as links.
const LINKS: &[&str] = &[
    "href",
    "src",
    "action",
    "formaction",
    "poster",
    "cite",
    "data",
    "background",
    "ping",
    "manifest",
    "longdesc",
    "usemap",
    "profile",
    "codebase",
    "icon",
];
/// Attributes that hold code, markup, lists of links, or the value of another attribute.
const NEVER: &[&str] = &[
    "style",
    "srcdoc",
    "srcset",
    "imagesrcset",
    "http-equiv",
    "from",
    "to",
    "by",
    "values",
];

/// What an attribute's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Plain,
    Link(Link),
    Never,
}

/// What of a link has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing.
    Start,
    /// Something that may still become a scheme.
    Open,
    /// A scheme that is safe, or none for sure.
    Path,
    /// A query or fragment has begun.
    Query,
    /// A scheme that may be unsafe.
    Unsafe,
}

/// Where the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Text,
    /// After `<`.
    Open,
    /// After `</`.
    End,
    /// After `<!`, and so many dashes.
    Bang(u8),
    /// In a comment, after so many dashes; 3: after `--!`.
    Comment(u8),
    /// In what the tokenizer skips up to `>`: a doctype, `<?`.
    Bogus,
    TagName,
    /// Between the attributes of a tag.
    Tag,
    AttributeName,
    AfterName,
    /// After a block that may have left a name without a value.
    Between,
    BeforeValue,
    /// In a value, with its quote.
    Value(u8, Attribute),
    Unquoted,
    /// In an element whose content is not HTML; whether something in it looks like HTML.
    Raw(usize, bool),
    RawOpen(usize, bool),
    RawEnd(usize, bool),
    /// Where nobody knows what a browser sees.
    Never,
}

/// What a byte brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Nothing,
    /// A `<` was read.
    Bracket,
    /// The content of a script or style begins after this byte.
    BlockStart,
    /// It ended before the last `<`; whether it is a style.
    BlockEnd(bool),
}

/// A reader of HTML that knows where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Html {
    pub(super) place: Place,
    /// The name that is being read (of an element or attribute), or the beginning of a link.
    name: [u8; NAME],
    length: usize,
    /// Number of the element in [`RAW`].
    raw: Option<usize>,
    is_end_tag: bool,
    /// Whether the tag has an attribute `http-equiv`, or is a `base`.
    is_special: bool,
    /// Whether a template's tag stands in the attributes of this tag.
    has_value: bool,
}

impl Html {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Text,
            name: [0; NAME],
            length: 0,
            raw: None,
            is_end_tag: false,
            is_special: false,
            has_value: false,
        }
    }

    /// Whether tags of a template in the attributes of this tag could act rather than be shown.
    pub(super) fn is_special(&self) -> bool {
        self.is_special || self.raw.is_some_and(|raw| raw < TITLE)
    }

    fn clear(&mut self) {
        self.length = 0;
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.name.get_mut(self.length) {
            *slot = byte.to_ascii_lowercase();
        }
        self.length = self.length.wrapping_add(1);
    }

    /// The name, if it is one that can matter.
    fn name(&self) -> &[u8] {
        self.name.get(..self.length).unwrap_or_default()
    }

    fn is_one_of(&self, names: &[&str]) -> Option<usize> {
        let name = self.name();
        names.iter().position(|other| other.as_bytes() == name)
    }

    /// The byte before which nothing can happen here, if there is such a byte.
    pub(super) fn stops_at(&self) -> Option<u8> {
        match self.place {
            Place::Text | Place::Raw(..) => Some(b'<'),
            Place::Bogus => Some(b'>'),
            Place::Value(quote, Attribute::Plain | Attribute::Never) => Some(quote),
            Place::Value(quote, Attribute::Link(Link::Unsafe | Link::Query)) => Some(quote),
            _ => None,
        }
    }

    /// Reads one byte.
    pub(super) fn feed(&mut self, byte: u8) -> Event {
        let space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c');
        let letter = byte.is_ascii_alphabetic();
        self.place = match self.place {
            Place::Text => match byte {
                b'<' => Place::Open,
                _ => Place::Text,
            },
            Place::Open => match byte {
                b'!' => Place::Bang(0),
                b'/' => Place::End,
                b'?' => Place::Bogus,
                b'<' => Place::Open,
                _ if letter => self.begin_tag(byte, false),
                _ => Place::Text,
            },
            Place::End => match byte {
                b'>' => Place::Text,
                _ if letter => self.begin_tag(byte, true),
                _ => Place::Bogus,
            },
            Place::Bang(dashes) => match (dashes, byte) {
                (0, b'-') => Place::Bang(1),
                (1, b'-') => Place::Comment(2),
                // Inside of an svg it would be text up to `]]>`.
                (0, b'[') => Place::Never,
                (_, b'>') => Place::Text,
                _ => Place::Bogus,
            },
            Place::Comment(dashes) => match (dashes, byte) {
                (2 | 3, b'>') => Place::Text,
                (2, b'!') => Place::Comment(3),
                (2, b'-') => Place::Comment(2),
                (0 | 1, b'-') => Place::Comment(dashes.wrapping_add(1)),
                (_, b'-') => Place::Comment(1),
                _ => Place::Comment(0),
            },
            Place::Bogus => match byte {
                b'>' => Place::Text,
                _ => Place::Bogus,
            },
            Place::TagName if space || byte == b'/' || byte == b'>' => {
                self.raw = self.is_one_of(&RAW);
                self.is_special = self.name() == b"base";
                return self.after_value(byte);
            }
            Place::TagName => {
                self.push(byte);
                Place::TagName
            }
            Place::Tag => return self.after_value(byte),
            Place::Between if space || byte == b'/' || byte == b'>' => {
                return self.after_value(byte);
            }
            Place::Between => Place::Never,
            Place::AttributeName | Place::AfterName => match byte {
                b'=' => Place::BeforeValue,
                b'>' | b'/' => return self.after_value(byte),
                _ if space => Place::AfterName,
                _ => {
                    if self.place == Place::AfterName {
                        self.clear();
                    }
                    self.push(byte);
                    Place::AttributeName
                }
            },
            Place::BeforeValue if byte == b'>' => return self.after_value(byte),
            Place::BeforeValue if space => Place::BeforeValue,
            Place::BeforeValue => {
                let kind = self.attribute();
                self.clear();
                match byte {
                    _ if self.is_special && self.has_value => Place::Never,
                    b'"' | b'\'' => Place::Value(byte, kind),
                    _ => Place::Unquoted,
                }
            }
            Place::Value(quote, _) if byte == quote => Place::Tag,
            Place::Value(quote, Attribute::Link(link)) => {
                Place::Value(quote, Attribute::Link(self.link(link, byte)))
            }
            Place::Value(..) => self.place,
            Place::Unquoted => match byte {
                b'>' => return self.after_value(byte),
                _ if space => Place::Tag,
                _ => Place::Unquoted,
            },
            Place::Raw(raw, odd) => match byte {
                b'<' => Place::RawOpen(raw, odd),
                _ => Place::Raw(raw, odd),
            },
            Place::RawOpen(raw, odd) => match byte {
                b'/' => {
                    self.clear();
                    Place::RawEnd(raw, odd)
                }
                b'<' => Place::RawOpen(raw, odd),
                _ => Place::Raw(raw, odd || letter || byte == b'!'),
            },
            Place::RawEnd(raw, _) if space || byte == b'/' || byte == b'>' => {
                if self.is_one_of(&RAW) == Some(raw) {
                    (self.raw, self.is_end_tag, self.has_value) = (None, true, false);
                    let event = self.after_value(byte);
                    return match raw {
                        ..=STYLE => Event::BlockEnd(raw == STYLE),
                        _ => event,
                    };
                }
                Place::Raw(raw, true)
            }
            Place::RawEnd(raw, odd) if letter => {
                self.push(byte);
                Place::RawEnd(raw, odd)
            }
            Place::RawEnd(raw, _) => match byte {
                b'<' => Place::RawOpen(raw, true),
                _ => Place::Raw(raw, true),
            },
            Place::Never => Place::Never,
        };
        match byte {
            b'<' => Event::Bracket,
            _ => Event::Nothing,
        }
    }

    fn begin_tag(&mut self, byte: u8, is_end_tag: bool) -> Place {
        self.clear();
        self.push(byte);
        (self.is_end_tag, self.has_value) = (is_end_tag, false);
        Place::TagName
    }

    /// A byte between attributes.
    fn after_value(&mut self, byte: u8) -> Event {
        self.place = match byte {
            b'>' => match self.raw {
                Some(raw) if !self.is_end_tag => {
                    self.place = Place::Raw(raw, false);
                    return match raw {
                        ..=STYLE => Event::BlockStart,
                        _ => Event::Nothing,
                    };
                }
                _ => Place::Text,
            },
            b'/' | b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => Place::Tag,
            _ => {
                self.clear();
                self.push(byte);
                Place::AttributeName
            }
        };
        Event::Nothing
    }

    /// What the attribute is whose name was read.
    fn attribute(&mut self) -> Attribute {
        let name = self.name();
        let local = name.rsplit(|&b| b == b':').next().unwrap_or_default();
        let is_one_of = |names: &[&str]| names.iter().any(|other| other.as_bytes() == local);
        let holds = |part: &[u8]| name.windows(part.len()).any(|at| at == part);
        if self.name.starts_with(b"data-") {
            Attribute::Plain
        } else if name.is_empty() || local.starts_with(b"on") || is_one_of(NEVER) {
            self.is_special |= local == b"http-equiv";
            Attribute::Never
        } else if is_one_of(LINKS) || holds(b"url") || holds(b"uri") || holds(b"src") {
            Attribute::Link(Link::Start)
        } else {
            Attribute::Plain
        }
    }

    fn link(&mut self, link: Link, byte: u8) -> Link {
        match (link, byte) {
            (Link::Start | Link::Open, b':') => {
                match self.is_one_of(&["http", "https", "mailto", "tel"]) {
                    Some(_) => Link::Path,
                    None => Link::Unsafe,
                }
            }
            // A character reference could spell anything.
            (Link::Start | Link::Open, b'&') => Link::Unsafe,
            (Link::Unsafe, _) => Link::Unsafe,
            (_, b'?' | b'#') => Link::Query,
            (Link::Start | Link::Open, b'/') => Link::Path,
            (Link::Start | Link::Open, _) => {
                self.push(byte);
                Link::Open
            }
            _ => link,
        }
    }

    /// Takes note of a value that stands here.
    pub(super) fn saw_value(&mut self) {
        self.has_value = true;
        if let Place::Value(quote, Attribute::Link(Link::Start)) = self.place {
            self.place = Place::Value(quote, Attribute::Link(Link::Open));
        }
        self.forget_scheme();
    }

    /// Nothing that was read of a scheme holds any more.
    fn forget_scheme(&mut self) {
        if let Place::Value(_, Attribute::Link(Link::Open)) = self.place {
            self.clear();
            self.push(b':');
        }
    }

    /// What both ways through a block leave behind; whether they end in the same place.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        self.is_special |= other.is_special;
        self.has_value |= other.has_value;
        self.place = match (self.place, other.place) {
            (Place::Tag, Place::Tag) => Place::Tag,
            (one, two) if is_among_attributes(one) && is_among_attributes(two) => Place::Between,
            (one, two) if one == two => one,
            (Place::Value(a, Attribute::Link(one)), Place::Value(b, Attribute::Link(two)))
                if a == b =>
            {
                let is_unsafe = one == Link::Unsafe || two == Link::Unsafe;
                let link = if is_unsafe { Link::Unsafe } else { Link::Open };
                Place::Value(a, Attribute::Link(link))
            }
            (Place::Raw(a, _), Place::Raw(b, _)) if a == b => Place::Raw(a, true),
            _ => return false,
        };
        self.forget_scheme();
        true
    }
}

/// Whether the place is between attributes, or in the name of one.
fn is_among_attributes(place: Place) -> bool {
    matches!(
        place,
        Place::Tag | Place::AttributeName | Place::AfterName | Place::Between
    )
}

/// Whether the content of this element is text, in which character references are read.
pub(super) fn is_text(raw: usize) -> bool {
    raw >= TITLE
}
