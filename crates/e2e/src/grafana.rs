//! Grafana's own types, which define what a dashboard is.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// Checks dashboards against the types in `crates/e2e/grafana` with TypeScript's compiler. Returns
/// the compiler's errors for each; an empty text means that it is a dashboard.
///
/// # Panics
/// If there is no compiler: tests are never skipped.
pub fn check(dashboards: &[Value]) -> Vec<String> {
    static TOOLS: LazyLock<Vec<String>> = LazyLock::new(|| crate::scripts::lines("grafana.sh"));
    let [node, packages] = &TOOLS[..] else {
        panic!("scripts/grafana.sh printed {:?}", *TOOLS);
    };
    let packages = PathBuf::from(packages);
    // The compiler finds the packages in folders above.
    let folder = packages.join(format!("check-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("make a folder");
    let types = crate::workspace().join("crates/e2e/grafana/types.ts");
    fs::copy(types, folder.join("types.ts")).expect("copy the types");
    let files: Vec<String> = (0..dashboards.len())
        .map(|number| format!("dashboard-{number}.ts"))
        .collect();
    for (dashboard, file) in dashboards.iter().zip(&files) {
        // A literal, since the compiler reports unknown names only in literals.
        let text = format!(
            "import type {{ Dashboard }} from './types';\n\
             export const dashboard: Dashboard = {dashboard:#};\n"
        );
        fs::write(folder.join(file), text).expect("write a dashboard");
    }
    let output = Command::new(node)
        .arg(packages.join("node_modules/typescript/bin/tsc"))
        .args(["--noEmit", "--strict", "--skipLibCheck"])
        .args(["--module", "esnext", "--moduleResolution", "bundler"])
        .args(["--target", "es2022"])
        .args(&files)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .expect("run TypeScript's compiler");
    fs::remove_dir_all(&folder).expect("remove the folder");
    // Each error begins a line with its file; explanations follow, indented.
    let (said, mut by_file) = (String::from_utf8_lossy(&output.stdout), vec![]);
    by_file.resize(files.len(), String::new());
    let mut of = None;
    for line in said.lines() {
        if !line.starts_with(' ') {
            of = files
                .iter()
                .position(|file| line.starts_with(&format!("{file}(")));
            assert!(
                of.is_some(),
                "the compiler does not speak of a dashboard:\n{said}"
            );
        }
        if let Some(text) = of.and_then(|of| by_file.get_mut(of)) {
            *text += &format!("{line}\n");
        }
    }
    let is_silent = by_file.iter().all(String::is_empty);
    assert_eq!(output.status.success(), is_silent, "{said}");
    by_file
}
