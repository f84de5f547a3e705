use super::names_a_picture;

#[test]
fn the_name_of_a_picture_is_no_url_and_has_the_extension_of_a_picture() {
    for name in ["logo.png", "images/Logo-2.SVG", "../a.b.jpeg", "a logo.png"] {
        assert!(names_a_picture(name), "{name}");
    }
    let long = format!("{}.png", "x".repeat(100));
    for other in [
        "logo",
        "logo.css",
        "png",
        "https://cdn.example/logo.png",
        "<svg/>.png",
        "data:image/png;base64,AAAA",
        &long,
    ] {
        assert!(!names_a_picture(other), "{other}");
    }
}
