use super::*;

#[test]
fn the_filter_accepts_the_configuration_of_the_demo() {
    Config::from_json(CONFIG.as_bytes()).unwrap();
    assert_eq!(filter_config(None).unwrap(), CONFIG);
}

#[test]
fn the_demo_refuses_a_configuration_that_the_filter_rejects() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    io::Write::write_all(&mut file, b"{\"brnd\": {}}").unwrap();
    let refused = filter_config(Some(file.path())).unwrap_err().to_string();
    let expected = format!("the filter rejects {}:\nbrnd: ", file.path().display());
    assert!(refused.starts_with(&expected), "{refused}");
    let missing = filter_config(Some(Path::new("/nonexistent/filter.json"))).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("/nonexistent/filter.json: "),
        "{missing}"
    );
}
