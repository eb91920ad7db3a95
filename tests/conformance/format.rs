//! The two file formats.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use usher::wire;

#[derive(Debug, Deserialize)]
pub struct Suite {
    pub tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
pub struct Test {
    pub name: String,
    pub stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    #[serde(rename = "model_json")]
    pub model_json: String,
    #[serde(default, deserialize_with = "nullable")]
    pub tuples: Vec<wire::TupleKey>,
    #[serde(default, deserialize_with = "nullable")]
    pub check_assertions: Vec<CheckAssertion>,
    #[serde(default, deserialize_with = "nullable")]
    pub list_objects_assertions: Vec<ListObjectsAssertion>,
    #[serde(default, deserialize_with = "nullable")]
    pub list_users_assertions: Vec<ListUsersAssertion>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckAssertion {
    pub tuple: wire::TupleKey,
    #[serde(default)]
    pub expectation: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub context: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "nullable")]
    pub contextual_tuples: Vec<wire::TupleKey>,
    pub error_code: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListObjectsAssertion {
    pub request: ListObjectsRequest,
    #[serde(default, deserialize_with = "nullable")]
    pub expectation: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub context: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "nullable")]
    pub contextual_tuples: Vec<wire::TupleKey>,
    pub error_code: Option<u16>,
}

#[derive(Debug, Deserialize)]
pub struct ListObjectsRequest {
    pub user: String,
    #[serde(rename = "type")]
    pub object_type: String,
    pub relation: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListUsersAssertion {
    pub request: ListUsersRequest,
    #[serde(default, deserialize_with = "nullable")]
    pub expectation: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub context: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "nullable")]
    pub contextual_tuples: Vec<wire::TupleKey>,
    pub error_code: Option<u16>,
}

#[derive(Debug, Deserialize)]
pub struct ListUsersRequest {
    pub object: String,
    pub relation: String,
    pub filters: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct StoreFile {
    pub name: String,
    /// Absent where the model stands beside the file.
    pub model_json: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub tuples: Vec<wire::TupleKey>,
    pub tests: Vec<StoreTest>,
}

#[derive(Debug, Deserialize)]
pub struct StoreTest {
    #[serde(default)]
    pub name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub tuples: Vec<wire::TupleKey>,
    #[serde(default, deserialize_with = "nullable")]
    pub check: Vec<StoreCheck>,
    #[serde(default, deserialize_with = "nullable")]
    pub list_objects: Vec<StoreListObjects>,
    #[serde(default, deserialize_with = "nullable")]
    pub list_users: Vec<StoreListUsers>,
}

#[derive(Debug, Deserialize)]
pub struct StoreCheck {
    pub user: String,
    pub object: String,
    #[serde(default, deserialize_with = "nullable")]
    pub context: BTreeMap<String, Value>,
    pub assertions: BTreeMap<String, bool>,
}

#[derive(Debug, Deserialize)]
pub struct StoreListObjects {
    pub user: String,
    #[serde(rename = "type")]
    pub object_type: String,
    #[serde(default, deserialize_with = "nullable")]
    pub context: BTreeMap<String, Value>,
    pub assertions: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub struct StoreListUsers {
    pub object: String,
    pub user_filter: Vec<StoreFilter>,
    #[serde(default, deserialize_with = "nullable")]
    pub context: BTreeMap<String, Value>,
    pub assertions: BTreeMap<String, StoreUsers>,
}

#[derive(Debug, Deserialize)]
pub struct StoreFilter {
    #[serde(rename = "type")]
    pub object_type: String,
    pub relation: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct StoreUsers {
    #[serde(default, deserialize_with = "nullable")]
    pub users: Vec<String>,
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
