//! The description of the API: what the repository keeps is what is served, and what is served is what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::common::{Client, TestService};

type Routes = BTreeMap<String, BTreeSet<String>>;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Methods by path, as described.
fn described(description: &Value) -> Routes {
    let paths = description["paths"].as_object().unwrap();
    paths.iter().map(|(path, methods)| (path.clone(), methods.as_object().unwrap().keys().cloned().collect())).collect()
}

/// OpenFGA's surface has its own errors.
fn is_openfga(path: &str) -> bool {
    path.starts_with("/stores") || path == "/healthz"
}

/// An address of a path, for things that are not there.
fn address(path: &str) -> String {
    let place = path.replace("{id}", "a").replace("{name}", "a");
    place.replace("{store}", "01HZZZZZZZZZZZZZZZZZZZZZZZ").replace("{model}", "01HZZZZZZZZZZZZZZZZZZZZZZZ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_that_of_the_repository_and_of_the_router() {
    let service = TestService::start().await;
    let nobody = Client { key: String::new(), ..service.admin() };
    let served = nobody.get("/openapi.json").await;
    assert_eq!(served.headers["content-type"], "application/json");
    let kept = std::fs::read(repository().join("schema/api/openapi.json")).unwrap_or_default();
    assert!(served.bytes == kept, "schema/api/openapi.json differs from what is served; `make openapi` writes it");

    let description = served.json();
    let described = described(&description);
    // What the running router says of itself: the methods that a path has, when it is asked with another one.
    for (path, methods) in described {
        if is_openfga(&path) {
            continue;
        }
        let reply = nobody.send(Method::PATCH, &address(&path), None).await;
        assert_eq!(reply.status, 405, "{path}");
        let allowed = reply.headers["allow"].to_str().unwrap().to_lowercase();
        let allowed: BTreeSet<String> =
            allowed.split(',').map(str::to_owned).filter(|method| method != "head").collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

/// The description and the routers are made from the tables of operations; a route beside them would be in neither.
#[test]
fn no_route_stands_beside_the_tables() {
    let source = std::fs::read_to_string(repository().join("src/http.rs")).unwrap();
    let public = source.split("pub fn admin_router(").next().unwrap();
    let mut sources = vec![("src/http.rs".to_owned(), public.to_owned())];
    for folder in ["src/http", "src/http/routes", "src/http/compat", "src/http/compat/openfga"] {
        for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with("src/http/operations.rs") {
                sources.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 20, "{}", sources.len());
    for (file, text) in sources {
        for way in [".route(", ".route_service(", ".nest_service(", ".fallback_service("] {
            assert!(!text.contains(way), "{file} adds a route by `{way}`");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_need_the_credential_that_they_name() {
    let service = TestService::start().await;
    let admin = service.admin();
    let description = admin.get("/openapi.json").await.ok();
    let key = serde_json::json!({"name": "nothing", "scopes": []});
    let powerless = Client { key: admin.post("/v1/keys", key).await.ok()["key"].as_str().unwrap().into(), ..admin };
    let nobody = Client { key: String::new(), ..powerless.clone() };
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let needed = operation["parameters"].as_array().into_iter().flatten();
            let needed = needed.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
            let needed: Vec<_> = needed.map(|parameter| format!("{}=a", parameter["name"].as_str().unwrap())).collect();
            let place = address(path) + "?" + &needed.join("&");
            let method: Method = method.to_uppercase().parse().unwrap();
            let body = operation
                .get("requestBody")
                .map(|body| example(&description, &body["content"]["application/json"]["schema"]));
            let without = nobody.send(method.clone(), &place, body.clone()).await;
            if operation["security"].as_array().unwrap().is_empty() {
                assert!(without.status.is_success(), "{path}");
                continue;
            }
            let refusal = if is_openfga(path) { "bearer_token_missing" } else { "unauthenticated" };
            assert_eq!(without.problem(401), refusal, "{method} {path}");
            let Some(scope) = operation["security"][0]["bearer"][0].as_str() else {
                // Any credential will do.
                powerless.send(method.clone(), &place, body).await.ok();
                continue;
            };
            let refused = powerless.send(method.clone(), &place, body).await;
            if is_openfga(path) {
                assert_eq!(refused.problem(403), "forbidden", "{method} {path}");
                assert!(operation["responses"]["401"]["content"]["application/json"].is_object());
                continue;
            }
            let refused = refused.json();
            assert_eq!(refused["code"], "insufficient_scope", "{method} {path}: {refused}");
            assert_eq!(
                refused["detail"],
                format!("The scope `{scope}` is needed; a token names it `usher.{scope}`."),
                "{method} {path}"
            );
            assert!(operation["responses"]["401"]["content"]["application/problem+json"].is_object());
        }
    }
}

/// The smallest value that a schema admits.
fn example(description: &Value, schema: &Value) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        return example(description, description.pointer(target.strip_prefix('#').unwrap()).unwrap());
    }
    if let (Some(all), None) = (schema["anyOf"].as_array(), schema["type"].as_str()) {
        return example(description, &all[0]);
    }
    match schema["type"].as_str() {
        Some("object") => {
            let mut required = schema["required"].as_array().cloned().unwrap_or_default();
            required.extend(schema["allOf"][0]["anyOf"][0]["required"].as_array().cloned().unwrap_or_default());
            let fields = required.iter().map(|name| name.as_str().unwrap().to_owned());
            fields.map(|name| (name.clone(), example(description, &schema["properties"][&name]))).collect()
        }
        Some("array") => Value::Array(Vec::new()),
        Some("string") => Value::String("a".into()),
        Some("boolean") => Value::Bool(false),
        _ => Value::from(1),
    }
}
