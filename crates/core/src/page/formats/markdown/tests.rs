use crate::config::Config;
use crate::http::format::Format;
use crate::page::tests::info;
use crate::page::Pages;

#[test]
fn words_of_the_operator_are_text_and_no_markup() {
    let json =
        br#"{"locales": {"strings": {"en": {"message": "- *down* [here](x) <b>\n---\n# a"}}}}"#;
    let pages = Pages::new(&Config::from_json(json).unwrap());
    let page = pages.render(&info(Format::Markdown));
    let text = String::from_utf8(page.body).unwrap();
    assert!(
        text.contains("\n\n\\- \\*down\\* \\[here\\](x) \\<b\\> --- \\# a\n"),
        "{text}"
    );
    assert_eq!(text.matches("\n---\n").count(), 1, "one end of the facts");
}
