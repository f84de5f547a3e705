//! The built-in page for people.
//!
//! Self-contained (no request to anyone), valid HTML, usable with no script at all; never refreshes
//! itself by markup, which takes control from the reader (WCAG 2.2, failure F41). What a script
//! needs travels in `data-*` attributes of `main`.

use super::auto;
use super::color::{Accent, Ground, DARK, LIGHT};
use super::escape::{is_safe_url, Body, Part};
use super::phrase::status_phrase;
use super::shown::Shown;
use super::when::When;
use super::words::{Gap, Words};
use crate::config::{Brand, Color, Link, Logo};

/// The rules of the page; its colours are variables that the configuration fills.
const CSS: &str = include_str!("builtin/page.css");
/// A tide gate, shut against rough water. Decoration: nothing is said by it alone.
const SCENE: &str = include_str!("builtin/scene.svg");
/// Room for what differs from answer to answer.
const SLACK: usize = 2048;

/// What all pages of one language share, in the order in which it stands.
#[derive(Debug)]
pub(super) struct HtmlPage {
    /// Up to the text of `title`.
    open: Part,
    /// After the text of `title`, up to the style.
    after_title: Part,
    /// The inline style, alone, because it is hashed.
    style: Part,
    /// From the end of the style up to `main`.
    header: Part,
    /// The way home beside the button.
    home: Part,
    /// The way home as the button, where there is nothing to try again.
    home_button: Part,
    /// What the script shows, and the script.
    auto: Part,
    /// From the end of `main` to the end.
    footer: Part,
}

impl HtmlPage {
    /// Prepares the page of a brand in one language.
    pub(super) fn new(brand: &Brand, words: &Words) -> Self {
        Self {
            open: part(|out| {
                out.markup("<!doctype html>\n<html lang=\"")
                    .html(words.tag)
                    .markup("\" dir=\"")
                    .html(words.dir)
                    .markup(
                        "\">\n<head>\n<meta charset=\"utf-8\">\n\
                         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                         <meta name=\"color-scheme\" content=\"light dark\">\n\
                         <meta name=\"robots\" content=\"noindex\">\n<title>",
                    );
            }),
            after_title: part(|out| {
                if !brand.name.is_empty() {
                    out.markup(" – ").html(&brand.name);
                }
                // An empty icon: browsers would ask the failing site for one.
                out.markup("</title>\n<link rel=\"icon\" href=\"data:,\">\n");
            }),
            style: part(|out| style(out, brand)),
            header: part(|out| {
                out.markup("</head>\n<body>\n");
                header(out, brand);
            }),
            home: part(|out| home(out, brand, words, "<a href=\"")),
            home_button: part(|out| home(out, brand, words, "<a class=\"button\" href=\"")),
            auto: auto::part(words),
            footer: part(|out| {
                footer(out, brand, words);
                out.markup("</body>\n</html>\n");
            }),
        }
    }

    /// The text of the inline style, for its hash.
    pub(super) fn style(&self) -> &[u8] {
        self.style.bytes()
    }

    /// Makes the page.
    pub(super) fn render(&self, words: &Words, shown: &Shown<'_>) -> Vec<u8> {
        let said = words.reason(shown.reason);
        let title = words.title(shown.reason, shown.status, shown.retry_after_ms.is_some());
        let mut body = Body::with_capacity(self.capacity(shown.auto.is_some()));
        let out = &mut body;
        out.part(&self.open).html(title).markup(" (");
        out.number(u64::from(shown.status)).markup(")");
        out.part(&self.after_title);
        out.markup("<style>").part(&self.style).markup("</style>\n");
        out.part(&self.header);
        open_main(out, shown);
        out.markup(SCENE);
        out.markup("<h1>").html(title).markup("</h1>\n");
        paragraph(
            out,
            "<p class=\"lead\">",
            shown.notice.unwrap_or(said.message),
        );
        paragraph(out, "<p class=\"fault\">", said.fault);
        next(out, words, shown);
        self.actions(out, words, shown);
        if shown.auto.is_some() {
            out.part(&self.auto);
        }
        about(out, words, shown);
        out.markup("</main>\n").part(&self.footer);
        body.into_bytes()
    }

    fn capacity(&self, auto: bool) -> usize {
        let auto = if auto { self.auto.len() } else { 0 };
        [
            &self.open,
            &self.after_title,
            &self.style,
            &self.header,
            &self.footer,
        ]
        .iter()
        .fold(SCENE.len().saturating_add(auto), |sum, part| {
            sum.saturating_add(part.len())
        })
        .saturating_add(SLACK)
    }

    fn actions(&self, out: &mut Body, words: &Words, shown: &Shown<'_>) {
        let retry = shown.safe && shown.retry_after_ms.is_some();
        let home = if retry { &self.home } else { &self.home_button };
        if !retry && home.len() == 0 {
            return;
        }
        out.markup("<p class=\"actions\">");
        if retry {
            // An empty address is this very page, with its query. Never after a request that is
            // not safe: it would lead to a page that nobody asked for.
            out.markup("<a class=\"button\" href=\"\">")
                .html(words.labels.retry)
                .markup("</a>");
        }
        out.part(home).markup("</p>\n");
    }
}

fn part(write: impl FnOnce(&mut Body)) -> Part {
    let mut body = Body::default();
    write(&mut body);
    body.into_part()
}

fn style(out: &mut Body, brand: &Brand) {
    out.markup("\n:root{");
    colors(out, brand.color, LIGHT);
    out.markup("}\n@media (prefers-color-scheme:dark){:root{");
    colors(out, brand.color_dark.or(brand.color), DARK);
    out.markup("}}\n").markup(CSS);
}

fn colors(out: &mut Body, brand: Option<Color>, ground: Ground) {
    let accent = Accent::new(brand, ground);
    out.markup("--back:").color(ground.back);
    out.markup(";--text:").color(ground.text);
    out.markup(";--soft:").color(ground.soft);
    out.markup(";--line:").color(ground.line);
    out.markup(";--fill:").color(accent.fill);
    out.markup(";--on-fill:").color(accent.on_fill);
    out.markup(";--ink:").color(accent.ink);
}

fn header(out: &mut Body, brand: &Brand) {
    if brand.name.is_empty() && brand.logo.is_none() {
        return;
    }
    let home = brand.home_url.as_deref().filter(|url| is_safe_url(url));
    // A link needs a name; a logo without one is decoration.
    let home = home.filter(|_| !brand.name.is_empty());
    out.markup("<header>");
    match home {
        Some(url) => out
            .markup("<a class=\"brand\" href=\"")
            .url(url)
            .markup("\">"),
        None => out.markup("<span class=\"brand\">"),
    };
    match &brand.logo {
        Some(Logo::DataUri(uri)) => {
            out.markup("<img src=\"").html(uri).markup("\" alt=\"");
            out.html(&brand.name).markup("\">");
        }
        Some(Logo::Svg(svg)) if brand.name.is_empty() => {
            out.markup("<span aria-hidden=\"true\">").checked_svg(svg);
            out.markup("</span>");
        }
        Some(Logo::Svg(svg)) => {
            out.markup("<span role=\"img\" aria-label=\"")
                .html(&brand.name);
            out.markup("\">").checked_svg(svg).markup("</span>");
        }
        None => {
            out.html(&brand.name);
        }
    }
    out.markup(match home {
        Some(_) => "</a>",
        None => "</span>",
    });
    out.markup("</header>\n");
}

fn home(out: &mut Body, brand: &Brand, words: &Words, open: &'static str) {
    if let Some(url) = brand.home_url.as_deref().filter(|url| is_safe_url(url)) {
        out.markup(open).url(url).markup("\">");
        out.html(words.labels.home_action).markup("</a>");
    }
}

fn footer(out: &mut Body, brand: &Brand, words: &Words) {
    let status = brand.status_url.as_deref();
    let status = status.map(|url| (words.labels.status_page, url));
    let others = brand.links.iter();
    let others = others.map(|Link { label, url }| (label.as_str(), url.as_str()));
    let mut links = status
        .into_iter()
        .chain(others)
        .filter(|(label, url)| !label.is_empty() && is_safe_url(url))
        .peekable();
    if links.peek().is_none() {
        return;
    }
    out.markup("<footer><nav aria-label=\"")
        .html(words.labels.links);
    out.markup("\"><ul>");
    for (label, url) in links {
        out.markup("<li><a href=\"").url(url).markup("\">");
        out.html(label).markup("</a></li>");
    }
    out.markup("</ul></nav></footer>\n");
}

fn open_main(out: &mut Body, shown: &Shown<'_>) {
    out.markup("<main data-status=\"")
        .number(u64::from(shown.status));
    out.markup("\" data-reason=\"")
        .markup(shown.reason.as_str());
    if let Some(cause) = shown.tripped_by {
        out.markup("\" data-tripped-by=\"").markup(cause.as_str());
    }
    out.markup("\" data-safe=\"");
    out.markup(if shown.safe { "true" } else { "false" });
    if let Some(ms) = shown.retry_after_ms {
        out.markup("\" data-retry-after-ms=\"").number(ms);
    }
    if let Some(page) = shown.auto {
        out.markup("\" data-max-attempts=\"")
            .number(u64::from(page.max_attempts));
        out.markup("\" data-cap-ms=\"")
            .number(u64::try_from(page.cap.as_millis()).unwrap_or(u64::MAX));
    }
    if let Some(id) = shown.request_id {
        out.markup("\" data-request-id=\"").html(id);
    }
    out.markup("\">\n");
}

fn paragraph(out: &mut Body, open: &'static str, text: &str) {
    out.markup(open).html(text).markup("</p>\n");
}

/// What happens next, and when to come back.
fn next(out: &mut Body, words: &Words, shown: &Shown<'_>) {
    let said = words.reason(shown.reason);
    let unknown = !shown.safe && !shown.never_sent();
    if !shown.safe {
        paragraph(
            out,
            "<p class=\"sent\">",
            if unknown {
                words.not_safe.unknown
            } else {
                words.not_safe.not_processed
            },
        );
    }
    out.markup("<p>");
    match shown.retry_after_ms {
        Some(ms) => {
            let hint = if unknown {
                words.check_then
            } else {
                words.again
            };
            out.html(said.next).markup(" ").html(hint.before);
            out.markup("<strong>");
            when(out, words.when(When::from_ms(ms)));
            out.markup("</strong>").html(hint.after);
        }
        None => {
            out.html(said.next_final);
            if unknown {
                out.markup(" ").html(words.not_safe.check);
            }
        }
    }
    out.markup("</p>\n");
}

fn when(out: &mut Body, (gap, number): (Gap, Option<u64>)) {
    out.html(gap.before);
    if let Some(number) = number {
        out.number(number);
    }
    out.html(gap.after);
}

/// What to tell those who are asked for help.
fn about(out: &mut Body, words: &Words, shown: &Shown<'_>) {
    let labels = &words.labels;
    out.markup("<div class=\"about\">\n<p>")
        .html(labels.quote)
        .markup("</p>\n<dl>\n");
    term(out, labels.error);
    out.markup("<bdi dir=\"ltr\">")
        .number(u64::from(shown.status))
        .markup(" ");
    out.markup(status_phrase(shown.status))
        .markup("</bdi></dd>\n");
    term(out, labels.reason);
    out.markup("<code dir=\"ltr\">")
        .markup(shown.reason.as_str())
        .markup("</code>");
    if let Some(cause) = shown.tripped_by {
        out.markup(" <code dir=\"ltr\">(")
            .markup(cause.as_str())
            .markup(")</code>");
    }
    out.markup("</dd>\n");
    if let Some(id) = shown.request_id {
        term(out, labels.request_id);
        out.markup("<bdi class=\"id\" dir=\"ltr\">")
            .html(id)
            .markup("</bdi></dd>\n");
    }
    if let Some(time) = shown.time {
        term(out, labels.time);
        out.markup("<time dir=\"ltr\" datetime=\"");
        time.write_rfc3339(out);
        out.markup("\">");
        time.write_readable(out);
        out.markup("</time></dd>\n");
    }
    if shown.host.is_some() || shown.path.is_some() {
        term(out, labels.address);
        out.markup("<bdi dir=\"ltr\">");
        out.html(shown.host.as_deref().unwrap_or_default());
        out.html(shown.path.as_deref().unwrap_or_default());
        out.markup("</bdi></dd>\n");
    }
    out.markup("</dl>\n</div>\n");
}

fn term(out: &mut Body, label: &str) {
    out.markup("<dt>").html(label).markup("</dt><dd>");
}
