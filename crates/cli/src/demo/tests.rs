use super::*;
use tidegate_core::config::Config;

#[test]
fn the_filter_accepts_the_configuration_of_the_demo() {
    Config::from_json(CONFIG.as_bytes()).unwrap();
    assert_eq!(filter_config(None).unwrap(), CONFIG);
}

/// The button of the panel works with any configuration.
#[test]
fn the_policy_for_maintenance_is_added_to_every_configuration() {
    let own = r#"{"routes":[{"name":"maintenance","match":{"path_prefix":"/x"},"mode":"off"}]}"#;
    for (config, rules) in [
        (CONFIG, 1),
        ("{}", 1),
        (
            r#"{"routes":[{"name":"a","match":{"path_prefix":"/a"}}]}"#,
            2,
        ),
        (own, 1),
    ] {
        let config = with_maintenance(config.to_owned());
        Config::from_json(config.as_bytes()).unwrap();
        let json: Value = serde_json::from_str(&config).unwrap();
        assert_eq!(
            json["routes"].as_array().map(Vec::len),
            Some(rules),
            "{config}"
        );
        assert_eq!(json["routes"][0]["name"], MAINTENANCE);
    }
    assert_eq!(with_maintenance(own.to_owned()), own);
}

#[test]
fn the_demo_reads_what_check_reads() {
    let mut file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    io::Write::write_all(&mut file, b"brand: { name: A }\n").unwrap();
    let config = filter_config(Some(file.path())).unwrap();
    assert_eq!(config, "{\n  \"brand\": {\n    \"name\": \"A\"\n  }\n}\n");
}

#[test]
fn the_demo_refuses_a_configuration_that_the_filter_rejects() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    io::Write::write_all(&mut file, b"{\"brnd\": {}}").unwrap();
    let refused = filter_config(Some(file.path())).unwrap_err().to_string();
    let file = file.path().display();
    let expected = format!("the filter rejects {file}:\n{file}:1:2: error: brnd: ");
    assert!(refused.starts_with(&expected), "{refused}");
    let missing = filter_config(Some(Path::new("/nonexistent/filter.json"))).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("/nonexistent/filter.json: "),
        "{missing}"
    );
}
