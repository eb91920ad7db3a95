//! The catalog's PostgreSQL server refuses connections for a while.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor};
use usher::config::RawConfig;

use crate::common::postgres::TestDatabase;
use crate::common::{Client, TestService, document, tuple};

/// The documents of the first answer that says that it is complete: one whose indexes have yet to catch up after the outage
/// says that it isn't, and is asked again.
async fn whole(reader: &Client) -> Vec<String> {
    for _ in 0..100 {
        let answer = reader.post("/v1/query", json!({"query": "edelweiss"})).await.ok();
        if answer["complete"] == true {
            let hits = answer["results"].as_array().unwrap().iter();
            return hits.map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect();
        }
    }
    panic!("no answer was complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_away_is_a_503_and_comes_back_by_itself() {
    let database = TestDatabase::create().await;
    let mut url = reqwest::Url::parse(database.url()).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    // Limits don't bind superusers.
    let role = format!("{name}_role");
    let mut other = database.connect().await;
    for statement in [format!("CREATE ROLE {role} LOGIN PASSWORD 'p'"), format!("GRANT ALL ON SCHEMA public TO {role}")]
    {
        other.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    url.query_pairs_mut().append_pair("user", &role).append_pair("password", "p");
    let raw = RawConfig { catalog_url: Some(url.as_str().parse().unwrap()), ..RawConfig::default() };
    let service = TestService::start_raw(raw).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    let rules = json!({"viewers": ["user:ann"]});
    admin.put_documents(vec![document("a/1", "edelweiss", rules.clone())]).await;
    for _ in 0..2 {
        let away = format!("ALTER DATABASE {name} CONNECTION LIMIT 0");
        other.execute(AssertSqlSafe(away)).await.unwrap();
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'");
        other.execute(AssertSqlSafe(end)).await.unwrap();
        let write = json!({"writes": [tuple("user:bob", "member", "group:g")], "deletes": []});
        let (read, written, ready) = tokio::join!(
            ann.get("/v1/documents/a%2F1?collection=main"),
            admin.post("/v1/relationships/write", write),
            admin.get("/v1/health/ready"),
        );
        assert_eq!(read.problem(503), "catalog_unavailable");
        assert!(written.headers.contains_key("retry-after"));
        assert_eq!(written.problem(503), "catalog_unavailable");
        assert_eq!(ready.status, 503);
        other.execute(AssertSqlSafe(format!("ALTER DATABASE {name} CONNECTION LIMIT -1"))).await.unwrap();
        assert_eq!(whole(&ann).await, ["a/1"]);
        admin.put_documents(vec![document("a/2", "edelweiss too", rules.clone())]).await;
        assert_eq!(whole(&ann).await.len(), 2);
        admin.delete("/v1/documents/a%2F2?collection=main").await.ok();
    }
    service.stop().await;
    for statement in [format!("DROP OWNED BY {role} CASCADE"), format!("DROP ROLE {role}")] {
        other.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    other.close().await.unwrap();
}
