//! The image that `tidegate bundle --as oci` makes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use crate::{text, Folder, SOURCE};

const MODULE: &str = "\0asm\u{1}\0\0\0";

fn folder() -> Folder {
    Folder::new(&[("dist/tidegate.wasm", MODULE), ("other.wasm", MODULE)])
}

/// Makes an image and returns the digest that was printed.
fn make(folder: &Folder, args: &[&str]) -> String {
    let output = folder.run(&[&["bundle", "--as", "oci"], args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("the image  "));
    text(&output.stdout)
}

/// Returns the files of an archive.
fn unpacked(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}

#[test]
fn a_module_has_the_same_image_each_time_and_as_archive_or_folder() {
    let folder = folder();
    let digest = make(&folder, &["-o", "a.tar"]);
    assert!(digest.starts_with("sha256:") && digest.len() == 7 + 64 + 1);
    assert_eq!(
        make(&folder, &["-o", "b.oci.tar", "--module", "other.wasm"]),
        digest
    );
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("a.tar") == read("b.oci.tar"));
    assert_eq!(make(&folder, &["-o", "image/of/tidegate"]), digest);
    let files = unpacked(&read("a.tar"));
    for (name, content) in &files {
        assert!(
            *content == read(&format!("image/of/tidegate/{name}")),
            "{name}"
        );
    }
    let manifest = format!("blobs/sha256/{}", &digest[7..].trim_end());
    assert!(
        files.contains_key(&manifest) && files.len() == 5,
        "{:?}",
        files.keys()
    );
}

/// The layout names one image, even if it held another before.
#[test]
fn an_image_replaces_the_one_that_was_there() {
    let folder = folder();
    folder.write("other.wasm", b"\0asm\x01\0\0\0\0\x02\x01x");
    let first = make(&folder, &["-o", "image"]);
    let second = make(&folder, &["-o", "image", "--module", "other.wasm"]);
    assert_ne!(first, second);
    let index = fs::read_to_string(folder.path().join("image/index.json")).unwrap();
    assert!(index.contains(second.trim_end()) && !index.contains(first.trim_end()));
}

#[test]
fn what_cannot_become_an_image_is_refused() {
    let folder = folder();
    folder.write("s.yaml", SOURCE.as_bytes());
    folder.write("mine/letter.txt", b"dear");
    for (args, expected) in [
        (
            &["-o", "mine"][..],
            "mine: cannot be written: the folder holds something else than an image\n",
        ),
        (
            &["-o", "s.yaml"],
            "s.yaml: cannot be written: it is a file; allowed: a folder, or an archive that ends in .tar\n",
        ),
        (
            &[],
            "--output needs a file; an image is a folder, or an archive such as -o tidegate.oci.tar\n",
        ),
        (
            &["-o", "-"],
            "--output needs a file; an image is a folder, or an archive such as -o tidegate.oci.tar\n",
        ),
        (
            &["s.yaml", "-o", "a.tar"],
            "s.yaml: an image holds the module and no configuration, so it has no source\n",
        ),
        (
            &["-o", "a.tar", "--module", "s.yaml"],
            "s.yaml: cannot be read: it is not a WebAssembly module\n",
        ),
        (
            &["-o", "a.tar", "--module", "none.wasm"],
            "none.wasm: cannot be read: No such file or directory (os error 2)\n",
        ),
        (
            &["-o", "a.tar", "--module", "oci://x/y"],
            "--module: found \"oci://x/y\"; allowed: the path of a file, which the image will hold\n",
        ),
        (
            &["-o", "a.tar", "--name", "x"],
            "--name has no place in --as oci\n",
        ),
    ] {
        let (code, stderr) = folder.fails(&[&["bundle", "--as", "oci"], args].concat());
        assert_eq!((code, stderr.as_str()), (Some(2), expected), "{args:?}");
    }
    let (code, stderr) = folder.fails(&["bundle"]);
    let expected = "<SOURCE> is missing; only an image (--as oci) has none\n";
    assert_eq!((code, stderr.as_str()), (Some(2), expected));
    assert_eq!(fs::read_dir(folder.path().join("mine")).unwrap().count(), 1);
}
