//! The API server for tests, itself tested: it needs the built Kubernetes, and builds it when the cache has none.

use shopkeeper_local::{ApiServer, Result};

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn kubectl(server: &ApiServer, arguments: &[&str]) -> String {
    let output = server.kubectl().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn api_servers_of_one_process_do_not_see_each_other() -> Result<()> {
    let (one, other) = tokio::join!(ApiServer::start(), ApiServer::start());
    let (one, other) = (one?, other?);
    kubectl(&one, &["create", "namespace", "only-here"]);
    assert!(kubectl(&one, &["get", "namespaces"]).contains("only-here"));
    assert!(!kubectl(&other, &["get", "namespaces"]).contains("only-here"));
    Ok(())
}

#[tokio::test]
async fn an_api_server_enforces_pod_security() -> Result<()> {
    let server = ApiServer::start().await?;
    kubectl(&server, &["create", "namespace", "strict"]);
    kubectl(&server, &["label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted"]);
    let refused = server.kubectl().args(["--namespace=strict", "run", "root", "--image=none"]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("violates PodSecurity"));
    Ok(())
}

#[tokio::test]
async fn a_dropped_api_server_is_gone() -> Result<()> {
    let server = ApiServer::start().await?;
    let (address, file) = (server.url().trim_start_matches("https://").to_owned(), server.kubeconfig_path());
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(!file.exists());
    Ok(())
}

#[tokio::test]
async fn a_restarted_api_server_knows_what_it_knew() -> Result<()> {
    let mut server = ApiServer::start().await?;
    kubectl(&server, &["create", "namespace", "kept"]);
    let before = server.process_ids();
    server.restart().await?;
    assert!(kubectl(&server, &["get", "namespaces"]).contains("kept"));
    let after = server.process_ids();
    assert!(before[0] != after[0] && before[1] == after[1]);
    Ok(())
}
