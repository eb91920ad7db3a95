//! Surfaces of other products, with their own shapes and errors.

pub mod openfga;
