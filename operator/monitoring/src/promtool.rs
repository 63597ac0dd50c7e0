//! Prometheus' own tool, which tells whether it would take rules, and which alerts they give.

use std::io::Write as _;
use std::process::Command;

use serde_json::Value;

/// Runs promtool on files with these contents, which may refer to one another by their names.
pub(crate) fn promtool(arguments: &[&str], files: &[(&str, &Value)]) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let mut file = std::fs::File::create(folder.path().join(name)).expect("a file");
        // What is JSON is YAML too.
        write!(file, "{content:#}").expect("it is written");
    }
    let output = Command::new("promtool").args(arguments).current_dir(folder.path()).output();
    let output = output.expect("promtool is needed: it comes with Prometheus, on Debian `apt-get install prometheus`");
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{text}");
}
