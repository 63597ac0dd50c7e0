//! pgAdmin, as its upstream image and the local one run it.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::fixture::{objects, planned, with_spec};

fn pg_admin() -> (Value, Value) {
    let plan = planned(&with_spec(json!({"monitoring": {"tools": {"pgAdmin": {"enabled": true}}}})));
    let part = plan.monitoring.parts.iter().find(|part| part.component.as_str() == "pgadmin").expect("pgAdmin");
    let data = part.secret.as_ref().and_then(|secret| secret.data.clone()).expect("settings");
    let text = |file: &[u8]| String::from_utf8(file.to_vec()).expect("a text");
    let files: serde_json::Map<_, _> = data.into_iter().map(|(name, file)| (name, json!(text(&file.0)))).collect();
    let all = objects(&plan);
    let deployment = all.iter().find(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == "demo-pgadmin");
    let pod = deployment.expect("pods")["spec"]["template"]["spec"].clone();
    (files.into(), pod)
}

fn env(pod: &Value, name: &str) -> Option<String> {
    let all = pod["containers"][0]["env"].as_array().expect("env");
    all.iter().find(|it| it["name"] == name).and_then(|it| it["value"].as_str().map(ToOwned::to_owned))
}

/// What Python makes of the settings.
fn run(settings: &str, environment: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config_system.py"), settings).expect("to write");
    let script = "import json, config_system as it; print(json.dumps({name: value for name, value in vars(it).items() if name.isupper()}))";
    let output = Command::new("python3")
        .args(["-B", "-c", script])
        .env("PYTHONPATH", folder.path())
        .envs(environment.iter().copied())
        .output()
        .expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn its_settings_are_where_it_looks_in_either_image_and_what_starts_it_writes_none() {
    let (files, pod) = pg_admin();
    let mounts = pod["containers"][0]["volumeMounts"].as_array().expect("mounts");
    let settings = mounts.iter().find(|it| it["name"] == "settings").expect("the Secret");
    // pgAdmin itself reads config_system.py there, and its upstream image writes settings only into a file that is empty.
    assert_eq!(settings["mountPath"], "/etc/pgadmin");
    let shown = env(&pod, "PGADMIN_CUSTOM_CONFIG_DISTRO_FILE").expect("a file");
    let (folder, name) = (Path::new(&shown).parent().expect("a folder"), Path::new(&shown).file_name());
    assert_eq!(folder, Path::new("/etc/pgadmin"));
    let name = name.and_then(|name| name.to_str()).expect("a name");
    assert_eq!(name, "config_system.py");
    assert!(files[name].as_str().is_some_and(|text| !text.is_empty()), "{files}");
    for (variable, file) in [("PGADMIN_SERVER_JSON_FILE", "servers.json"), ("PGPASS_FILE", "pgpass")] {
        assert_eq!(env(&pod, variable), Some(format!("/etc/pgadmin/{file}")));
        assert!(files[file].is_string(), "{file}");
    }
}

#[test]
fn its_settings_write_and_ask_nowhere_and_take_what_the_pod_says() {
    let (files, _) = pg_admin();
    let settings = files["config_system.py"].as_str().expect("settings");
    let plain = run(settings, &[]);
    assert_eq!((&plain["LOG_FILE"], &plain["UPGRADE_CHECK_ENABLED"]), (&json!("/dev/null"), &json!(false)));
    assert_eq!(plain["SHOW_GRAVATAR_IMAGE"], json!(false));
    assert!(plain["SERVER_MODE"].is_null(), "{plain}");
    let said = run(settings, &[("PGADMIN_CONFIG_SERVER_MODE", "True"), ("PGADMIN_CONFIG_LOGIN_BANNER", "'Hello'")]);
    assert_eq!((&said["SERVER_MODE"], &said["LOGIN_BANNER"]), (&json!(true), &json!("Hello")));
}

#[test]
fn it_connects_with_a_password_that_is_in_its_users_own_folder() {
    let (files, pod) = pg_admin();
    let servers: Value = serde_json::from_str(files["servers.json"].as_str().expect("servers")).expect("JSON");
    let server = &servers["Servers"]["1"];
    assert_eq!((&server["Host"], &server["Username"]), (&json!("demo-postgres"), &json!("postgres")));
    assert_eq!(server["PassFile"], "/.pgpass", "to which either image copies PGPASS_FILE");
    assert_eq!(files["pgpass"], "demo-postgres:5432:*:postgres:password-of-admin\n");
    assert_eq!(env(&pod, "PGADMIN_CONFIG_SERVER_MODE").as_deref(), Some("True"), "never without a login");
}
