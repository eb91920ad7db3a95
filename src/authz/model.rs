//! Authorization models: the source as it is stored, and its compiled form.

use serde::{Deserialize, Serialize};

use super::tuple::{Tuple, TupleError};

/// The JSON body of WriteAuthorizationModel; round-trips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationModel {
    pub schema_version: String,
}

#[derive(Debug)]
pub struct Model {}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("the model defines no type")]
    Empty,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    #[error("the model has no type `{0}`")]
    UnknownType(String),
}

impl Model {
    pub fn compile(_id: &str, _source: AuthorizationModel) -> Result<Model, ModelError> {
        unimplemented!()
    }
    pub fn id(&self) -> &str {
        unimplemented!()
    }
    pub fn source(&self) -> &AuthorizationModel {
        unimplemented!()
    }
    /// Strict, as Write validates.
    pub fn check_write(&self, _tuple: &Tuple) -> Result<(), TupleError> {
        unimplemented!()
    }
    /// Strict, as contextual tuples are validated: as a write, but implicit tuples pass.
    pub fn check_contextual(&self, _tuple: &Tuple) -> Result<(), TupleError> {
        unimplemented!()
    }
    /// Whether a stored tuple would count under this model.
    pub fn admits(&self, _tuple: &Tuple) -> bool {
        unimplemented!()
    }
    pub fn has_type(&self, _object_type: &str) -> bool {
        unimplemented!()
    }
    pub fn has_relation(&self, _object_type: &str, _relation: &str) -> bool {
        unimplemented!()
    }
    /// Whether a collection may be bound so; the section type's tupleset relation that leads to the document.
    pub fn check_binding(
        &self,
        _object_type: &str,
        _relation: &str,
        _section_type: Option<&str>,
    ) -> Result<Option<String>, BindingError> {
        unimplemented!()
    }
}
