//! The description of the API, held against the service by Schemathesis: it sends what the description admits and what it
//! doesn't, and looks at what comes back. `tests/clients/schemathesis/hooks.py` says what no description can promise.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::{Client, TestService, document, tuple};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Schemathesis, where `scripts/schemathesis.sh` has installed it.
fn schemathesis() -> Option<PathBuf> {
    let tools = Path::new(ROOT).join(".tools");
    let program = tools.join("schemathesis/bin/st");
    let is_ready = tools.join("schemathesis.ready").exists() && program.exists();
    if !is_ready {
        usher_support::skipped("tools", "Schemathesis is not installed (scripts/schemathesis.sh)");
    }
    is_ready.then_some(program)
}

/// A service that holds something of everything, and a key that may do everything as anybody.
async fn service() -> (TestService, Client) {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/main", json!({"fields": {"year": "number", "tag": "keyword"}})).await.ok();
    let mut leave = document("hr/leave.md", "# Leave\n\nThirty days of leave.\n\n# Pay\n\nMonthly.", json!({}));
    leave["content"]["type"] = json!("text/markdown");
    leave["metadata"] = json!({"year": 2026});
    leave["acl"] = json!({"viewers": ["user:anne", "group:staff#member"]});
    leave["sections"] = json!([{"id": "pay", "heading": "Pay", "acl": {"viewers": ["user:anne"]}}]);
    let travel = document("hr/travel.md", "Trains before planes.", json!({"viewers": ["user:*"]}));
    admin.put_documents(vec![leave, travel]).await;
    admin.write(json!([tuple("user:anne", "member", "group:staff")]), json!([])).await;
    let body = json!({
        "name": "run", "scopes": ["admin", "act_as"], "subject": "user:anne",
        "act_as_types": ["user", "agent", "service"],
    });
    let key = admin.post("/v1/keys", body).await.ok()["key"].as_str().unwrap().to_owned();
    let client = Client { key, ..admin };
    (service, client)
}

/// Runs it over a description, the served one or a file, and gives its report.
async fn run(program: &Path, client: &Client, description: &str, more: &[&str]) -> Value {
    let store = client.get("/stores").await.ok()["stores"][0]["id"].as_str().unwrap().to_owned();
    let models = client.get(&format!("/stores/{store}/authorization-models")).await.ok();
    let model = models["authorization_models"][0]["id"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let clients = Path::new(ROOT).join("tests/clients/schemathesis");
    let mut command = Command::new(program);
    command
        .args(["run", description, "--url", &client.base, "--checks", "all", "--continue-on-failure", "--no-color"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--generation-deterministic"])
        // How long generating takes is the machine's, and how much of it is used the description's business.
        .args(["--suppress-health-check", "all"])
        .args(["-H", &format!("Authorization: Bearer {}", client.key)])
        .args(["--report", "json", "--report-json-path"])
        .arg(&report)
        .args(more)
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", clients)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("USHER_KEY", &client.key)
        .env("USHER_STORE", store)
        .env("USHER_MODEL", model)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let Ok(told) = std::fs::read(&report) else { panic!("Schemathesis gave no report:\n{text}") };
    let mut told: Value = serde_json::from_slice(&told).unwrap();
    told["text"] = json!(text);
    told
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a stage of `make test`, which prints its figures"]
async fn what_the_description_says_is_what_the_service_does() {
    let Some(program) = schemathesis() else { return };
    let (service, client) = service().await;
    let description = client.get("/openapi.json").await.ok();
    let methods = description["paths"].as_object().unwrap().values();
    let operations: usize = methods.map(|methods| methods.as_object().unwrap().len()).sum();
    let told = run(&program, &client, &format!("{}/openapi.json", service.base()), &[]).await;
    let (tested, findings) =
        (told["operations"]["tested"].as_u64().unwrap(), told["failures"].as_array().unwrap().len());
    println!(
        "Schemathesis: {tested} operations, {} requests, {findings} findings ({} excused by hooks.py), {:.0} s",
        told["test_cases"]["generated"],
        told["filtered"],
        told["running_time"].as_f64().unwrap()
    );
    let is_complete = told["complete"] == true && told["errors"].as_array().is_none_or(Vec::is_empty);
    let text = told["text"].as_str().unwrap();
    assert!(is_complete && findings == 0 && told["exit_code"] == 0, "{text}");
    // But for the one that gave it the description.
    assert_eq!(tested as usize, operations - 1, "{text}");
    assert!(told["test_cases"]["generated"].as_u64().unwrap() > 2_000, "{text}");
    // What the run stood on is still there: it was not all 404.
    client.get("/v1/collections/main").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a stage of `make test`, which prints its figures"]
async fn what_a_description_says_wrong_is_found() {
    let Some(program) = schemathesis() else { return };
    let (_service, client) = service().await;
    let description = client.get("/openapi.json").await.ok();
    for (operation, place, wrong, finding) in [
        ("whoami", "/components/schemas/WhoAmI/properties/scopes/type", json!("integer"), "JsonSchemaError"),
        (
            "relationships_read",
            "/components/schemas/ReadRelationships/properties/limit/maximum",
            json!(100_000),
            "RejectedPositiveData",
        ),
        ("keys_create", "/components/schemas/CreateKey/properties/name/maxLength", json!(5), "AcceptedNegativeData"),
        ("collections_get", "/paths/~1v1~1collections~1{name}/get/responses/404", json!(null), "UndefinedStatusCode"),
        (
            "openfga_healthz",
            "/components/schemas/OpenFgaHealth/properties/status/type",
            json!("boolean"),
            "JsonSchemaError",
        ),
    ] {
        let mut altered = description.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = altered.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
        match wrong {
            Value::Null => assert!(parent.remove(name).is_some(), "{place}"),
            wrong => assert!(parent.insert(name.to_owned(), wrong).is_some(), "{place}"),
        }
        let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        std::fs::write(file.path(), altered.to_string()).unwrap();
        let file = file.path().to_str().unwrap();
        let told = run(&program, &client, file, &["--include-operation-id", operation]).await;
        let found: Vec<_> = told["failures"].as_array().unwrap().iter().map(|failure| &failure["type"]).collect();
        assert!(found.contains(&&json!(finding)), "{operation}: {found:?}\n{}", told["text"].as_str().unwrap());
    }
    println!("Schemathesis finds what a description says wrong: 5 of 5");
}
