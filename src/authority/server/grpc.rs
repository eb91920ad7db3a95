//! The OpenFGA server over gRPC, by `openfga-client`'s generated client.

use std::time::Duration;

use futures::FutureExt;
use openfga_client::client as api;
use openfga_client::client::batch_check_single_result::CheckResult;
use openfga_client::prost_wkt_types::{Struct, Timestamp as WireTimestamp};
use openfga_client::tonic::metadata::{Ascii, MetadataValue};
use openfga_client::tonic::service::Interceptor;
use openfga_client::tonic::service::interceptor::InterceptedService;
use openfga_client::tonic::transport::{Channel, Endpoint};
use openfga_client::tonic::{Code, Request, Status};
use serde_json::Value;

use super::*;
use crate::wire::Condition;

const PAGE: i32 = 100;

/// A connection that is made when it is first needed, and made again when it breaks.
pub struct GrpcServer {
    client: api::OpenFgaServiceClient<InterceptedService<Channel, Bearer>>,
    store: String,
}

#[derive(Clone)]
struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// An address or token that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("`url` is not an address such as http://127.0.0.1:8081: {0}")]
    Url(#[from] openfga_client::tonic::transport::Error),
    #[error("the token holds characters that no header can carry")]
    Token,
}

impl GrpcServer {
    /// # Errors
    /// When the address or the token is malformed. Nothing is connected yet.
    pub fn new(url: String, store: String, token: Option<&str>) -> Result<Self, AddressError> {
        let bearer = match token {
            None => None,
            Some(token) => {
                let mut value: MetadataValue<Ascii> =
                    format!("Bearer {token}").parse().map_err(|_| AddressError::Token)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let endpoint = Endpoint::from_shared(url)?
            .connect_timeout(Duration::from_secs(2))
            // A half-dead connection is found out within seconds, also when nothing is asked.
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(2))
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let client = api::OpenFgaServiceClient::with_interceptor(endpoint.connect_lazy(), Bearer(bearer));
        Ok(Self { client, store })
    }

    fn error(&self, status: &Status) -> ServerError {
        let message = status.message().to_owned();
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => ServerError::Unauthorised,
            Code::NotFound => ServerError::WrongStore(self.store.clone()),
            Code::Aborted => ServerError::Conflict,
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted | Code::Internal => {
                ServerError::Unavailable(message)
            }
            // OpenFGA's own numbers arrive as "unknown"; those of authentication say so in their text only.
            _ if message.contains("bearer token") || message.contains("unauthenticated") => ServerError::Unauthorised,
            _ => ServerError::Refused(message),
        }
    }
}

/// A JSON object as protobuf has it: every number becomes a double.
fn to_struct(value: &Value) -> Result<Struct, ServerError> {
    serde_json::from_value(value.clone()).map_err(|error| ServerError::Refused(format!("context: {error}")))
}

fn from_struct(value: &Struct) -> Option<Value> {
    let mut value = serde_json::to_value(value).ok()?;
    whole_numbers(&mut value);
    Some(value)
}

/// Writes doubles without a fraction as integers, as people wrote them, so that equal contexts have equal bytes.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|x| x.fract() == 0.0 && x.abs() < 9_007_199_254_740_992.0);
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn key_of(key: api::TupleKey) -> TupleKey {
    let condition = key
        .condition
        .map(|condition| Condition { name: condition.name, context: condition.context.as_ref().and_then(from_struct) });
    TupleKey { user: key.user, relation: key.relation, object: key.object, condition }
}

fn wire_key(key: &TupleKey) -> Result<api::TupleKey, ServerError> {
    let condition = match &key.condition {
        None => None,
        Some(condition) => Some(api::RelationshipCondition {
            name: condition.name.clone(),
            context: condition.context.as_ref().map(to_struct).transpose()?,
        }),
    };
    Ok(api::TupleKey { user: key.user.clone(), relation: key.relation.clone(), object: key.object.clone(), condition })
}

fn instant(at: Option<&WireTimestamp>) -> Timestamp {
    at.and_then(|at| Timestamp::new(at.seconds, at.nanos).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl AuthorizationServer for GrpcServer {
    fn check_store(&self) -> BoxFuture<'_, Result<(), ServerError>> {
        async move {
            let request = api::GetStoreRequest { store_id: self.store.clone() };
            match self.client.clone().get_store(request).await {
                Ok(_) => Ok(()),
                // `store_id_not_found` has no standard code.
                Err(status) if status.message().contains("not found") => {
                    Err(ServerError::WrongStore(self.store.clone()))
                }
                Err(status) => Err(self.error(&status)),
            }
        }
        .boxed()
    }

    fn check<'a>(&'a self, model: &'a str, items: &'a [CheckItem]) -> BoxFuture<'a, Result<Vec<bool>, ServerError>> {
        async move {
            let mut checks = Vec::with_capacity(items.len());
            for (item, number) in items.iter().zip(0..) {
                let context = serde_json::to_value(&item.context.0).unwrap_or_default();
                checks.push(api::BatchCheckItem {
                    tuple_key: Some(api::CheckRequestTupleKey {
                        user: item.subject.clone(),
                        relation: item.relation.clone(),
                        object: item.object.clone(),
                    }),
                    contextual_tuples: None,
                    context: Some(to_struct(&context)?),
                    correlation_id: number.to_string(),
                });
            }
            let request = api::BatchCheckRequest {
                store_id: self.store.clone(),
                checks,
                authorization_model_id: model.to_owned(),
                consistency: api::ConsistencyPreference::HigherConsistency.into(),
            };
            let reply = self.client.clone().batch_check(request).await.map_err(|status| self.error(&status))?;
            let results = reply.into_inner().result;
            let is_allowed = |number: usize| {
                let result = results.get(&number.to_string());
                matches!(result.and_then(|result| result.check_result.as_ref()), Some(CheckResult::Allowed(true)))
            };
            Ok((0..items.len()).map(is_allowed).collect())
        }
        .boxed()
    }

    fn latest_model(&self) -> BoxFuture<'_, Result<Option<(String, AuthorizationModel)>, ServerError>> {
        async move {
            let request = api::ReadAuthorizationModelsRequest {
                store_id: self.store.clone(),
                page_size: Some(1),
                continuation_token: String::new(),
            };
            let reply = self.client.clone().read_authorization_models(request).await;
            let reply = reply.map_err(|status| self.error(&status))?.into_inner();
            let Some(model) = reply.authorization_models.into_iter().next() else { return Ok(None) };
            let id = model.id.clone();
            let json = serde_json::to_value(&model).map_err(|error| ServerError::Model(error.to_string()))?;
            let model = serde_json::from_value(json).map_err(|error| ServerError::Model(error.to_string()))?;
            Ok(Some((id, model)))
        }
        .boxed()
    }

    fn write_model<'a>(&'a self, model: &'a AuthorizationModel) -> BoxFuture<'a, Result<String, ServerError>> {
        async move {
            let json = serde_json::to_value(model).map_err(|error| ServerError::Model(error.to_string()))?;
            let model: api::AuthorizationModel =
                serde_json::from_value(json).map_err(|error| ServerError::Model(error.to_string()))?;
            let request = api::WriteAuthorizationModelRequest {
                store_id: self.store.clone(),
                type_definitions: model.type_definitions,
                schema_version: model.schema_version,
                conditions: model.conditions,
            };
            let reply = self.client.clone().write_authorization_model(request).await;
            Ok(reply.map_err(|status| self.error(&status))?.into_inner().authorization_model_id)
        }
        .boxed()
    }

    fn changes<'a>(&'a self, position: &'a Position) -> BoxFuture<'a, Result<ChangePage, ServerError>> {
        async move {
            let (continuation_token, start_time) = match position {
                Position::Token(token) => (token.clone(), None),
                Position::Since(at) => {
                    let nanos = at.subsec_nanosecond().max(0);
                    (String::new(), Some(WireTimestamp { seconds: at.as_second(), nanos }))
                }
            };
            let request = api::ReadChangesRequest {
                store_id: self.store.clone(),
                r#type: String::new(),
                page_size: Some(PAGE),
                continuation_token,
                start_time,
            };
            let reply = self.client.clone().read_changes(request).await.map_err(|status| self.error(&status))?;
            let reply = reply.into_inner();
            let changes = reply.changes.into_iter().filter_map(|change| {
                Some(TupleChange {
                    at: instant(change.timestamp.as_ref()),
                    is_written: change.operation == i32::from(api::TupleOperation::Write),
                    key: key_of(change.tuple_key?),
                })
            });
            Ok(ChangePage { changes: changes.collect(), token: reply.continuation_token })
        }
        .boxed()
    }

    fn tuples<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<(Vec<TupleKey>, String), ServerError>> {
        async move {
            let request = api::ReadRequest {
                store_id: self.store.clone(),
                tuple_key: None,
                page_size: Some(PAGE),
                continuation_token: token.to_owned(),
                consistency: api::ConsistencyPreference::HigherConsistency.into(),
            };
            let reply = self.client.clone().read(request).await.map_err(|status| self.error(&status))?.into_inner();
            let keys = reply.tuples.into_iter().filter_map(|tuple| tuple.key).map(key_of).collect();
            Ok((keys, reply.continuation_token))
        }
        .boxed()
    }

    fn write<'a>(
        &'a self,
        writes: &'a [TupleKey],
        deletes: &'a [TupleKey],
        lenience: Lenience,
    ) -> BoxFuture<'a, Result<(), ServerError>> {
        async move {
            let mode = |is_lenient| if is_lenient { "ignore" } else { "error" }.to_owned();
            let writes = writes.iter().map(wire_key).collect::<Result<Vec<_>, _>>()?;
            let deletes: Vec<_> = deletes
                .iter()
                .map(|key| api::TupleKeyWithoutCondition {
                    user: key.user.clone(),
                    relation: key.relation.clone(),
                    object: key.object.clone(),
                })
                .collect();
            let request = api::WriteRequest {
                store_id: self.store.clone(),
                writes: (!writes.is_empty())
                    .then(|| api::WriteRequestWrites { tuple_keys: writes, on_duplicate: mode(lenience.existing) }),
                deletes: (!deletes.is_empty())
                    .then(|| api::WriteRequestDeletes { tuple_keys: deletes, on_missing: mode(lenience.missing) }),
                authorization_model_id: String::new(),
            };
            self.client.clone().write(request).await.map_err(|status| self.error(&status))?;
            Ok(())
        }
        .boxed()
    }
}
