//! What a template can refer to. The engine has no names of its own: its caller provides them.

/// The names that templates can use, with everything that is known before a page is rendered.
pub(crate) trait Names {
    /// Returns what opens and what closes a tag.
    fn delimiters(&self) -> (&str, &str);

    /// Returns the meaning of a name.
    ///
    /// # Errors
    /// [`UnknownName`] if the name has no meaning.
    fn resolve(&self, name: &str) -> Result<Meaning<'_>, UnknownName>;

    /// Returns the list that `#each` repeats its content for.
    fn list(&self) -> List<'_>;

    /// Returns how error messages describe the constants.
    fn constants(&self) -> &'static str;
}

/// The meaning of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning<'n> {
    /// A value that is known when a page is rendered.
    Variable,
    /// A text that is the same on every page.
    Constant(&'n str),
    /// A URL that is the same on every page. The caller has checked that it is harmless, whatever its
    /// scheme.
    CheckedUrl(&'n str),
    /// A part of pages: a template with the delimiters [`PART_DELIMITERS`].
    Part(&'n str),
    /// The list.
    List,
    /// A field of the current list item, by its number.
    Field(usize),
}

/// The delimiters of the tags in [`Meaning::Part`], whatever those of the templates are.
pub(super) const PART_DELIMITERS: (&str, &str) = ("{{", "}}");

/// A list of items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'n> {
    /// The name of the list.
    pub(crate) name: &'static str,
    /// The items, each with its fields.
    pub(crate) items: &'n [Vec<Field>],
}

/// The value of a field of a list item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    /// A text that is the same on every page.
    Constant(String),
    /// The variable with this name, which has a meaning for the caller only.
    Variable(String),
}

/// Why a name has no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownName {
    /// What is wrong.
    pub(crate) why: &'static str,
    /// The name that was probably meant.
    pub(crate) did_you_mean: Option<String>,
}
