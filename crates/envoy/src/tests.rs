use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);
const SIGKILL: i32 = 9;

/// Starts a program in the place of Envoy: a script in a folder of its own.
fn start_script(script: &str) -> Result<Envoy, StartError> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Envoy::start(&Options {
        program: &program,
        folder: folder.path(),
        folder_is_temporary: false,
        bootstrap: &serde_json::json!({}),
        concurrency: 1,
        arguments: &["--log-level", "warning"],
        environment: &[],
    })
}

#[test]
fn start_fails_with_status_and_log_when_the_program_ends() {
    match start_script("echo \"$*\" >&2; exit 3") {
        Err(StartError::Ended { status, log }) => {
            assert_eq!(status.code(), Some(3));
            assert_eq!(
                log,
                "--config-path envoy.json --admin-address-path admin.txt --disable-hot-restart \
                 --concurrency 1 --log-level warning\n"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn start_names_a_missing_program() {
    let folder = tempfile::tempdir().unwrap();
    let started = Envoy::start(&Options {
        program: Path::new("/nonexistent/envoy"),
        folder: folder.path(),
        folder_is_temporary: false,
        bootstrap: &serde_json::json!({}),
        concurrency: 1,
        arguments: &[],
        environment: &[],
    });
    match started {
        Err(StartError::Run(error)) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
        other => panic!("{other:?}"),
    }
}

#[test]
fn killing_a_group_ends_every_process_in_it() {
    let mut group = ProcessGroup::new().unwrap();
    // A process of the group, and one that it started and left.
    let mut child = group
        .spawn(Command::new("/bin/sh").args(["-c", "sleep 60 & sleep 60"]))
        .unwrap();
    group.kill();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(SIGKILL));
}

#[test]
fn dropping_a_group_kills_it_and_removes_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("of the group");
    fs::create_dir(&path).unwrap();
    let group = ProcessGroup::with_folder(&path).unwrap();
    let mut child = group.spawn(Command::new("sleep").arg("60")).unwrap();
    drop(group);
    assert_eq!(child.wait().unwrap().signal(), Some(SIGKILL));
    assert!(!path.exists());
}

#[test]
fn a_signal_to_the_group_does_not_end_its_leader() {
    let mut group = ProcessGroup::new().unwrap();
    let pid = i32::try_from(group.id()).ok().and_then(Pid::from_raw);
    for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
        rustix::process::kill_process_group(pid.unwrap(), signal).unwrap();
    }
    // Only a group with a living leader can be joined.
    let mut child = group.spawn(Command::new("sleep").arg("60")).unwrap();
    group.kill();
    assert_eq!(child.wait().unwrap().signal(), Some(SIGKILL));
}

#[test]
fn waiting_ends_with_the_value_the_process_or_the_limit() {
    let status = ExitStatus::from_raw(0);
    let mut left = 3;
    let third = || {
        left -= 1;
        (left == 0).then_some("value")
    };
    assert_eq!(wait_until(LIMIT, || None, third), Ok("value"));
    let never = || None::<()>;
    assert_eq!(
        wait_until(LIMIT, || Some(status), never),
        Err(WaitError::Ended(status))
    );
    assert_eq!(
        wait_until(Duration::ZERO, || None, never),
        Err(WaitError::Overdue(Duration::ZERO))
    );
}

#[test]
fn a_bare_program_name_is_kept_for_path_and_others_become_absolute() {
    let here = std::env::current_dir().unwrap();
    for (program, expected) in [
        ("envoy", PathBuf::from("envoy")),
        ("bin/envoy", here.join("bin/envoy")),
        ("./envoy", here.join("envoy")),
        ("/usr/bin/envoy", PathBuf::from("/usr/bin/envoy")),
    ] {
        assert_eq!(absolute(Path::new(program)).unwrap(), expected, "{program}");
    }
}

#[test]
fn a_wasm_memory_is_the_accessible_start_of_a_reserved_range() {
    let maps = "\
10000-20000 r-xp 00000000 08:01 1    /bin/envoy
20000-30000 rw-p 00000000 00:00 0    [heap]
30000-40000 ---p 00000000 00:00 0
7f0000000000-7f0000130000 rw-p 00000000 00:00 0
7f0000130000-7f0280000000 ---p 00000000 00:00 0
7f1000000000-7f1000200000 rw-p 00000000 00:00 0
7f1000200000-7f1280000000 ---p 00000000 00:00 0
";
    assert_eq!(super::wasm_memories(maps), [0x20_0000, 0x13_0000]);
}
