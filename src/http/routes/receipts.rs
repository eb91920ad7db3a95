//! `GET /v1/receipts/keys`: what receipts are verified with, for anybody, so that who holds a receipt need hold no credential.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::service::Service;
use crate::wire::ReceiptKeys;

pub async fn keys(State(service): State<Arc<Service>>) -> Json<ReceiptKeys> {
    Json(service.receipts.public_keys())
}
