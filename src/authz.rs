//! Relationship-based authorization, pure: ids and data in, decisions out; no I/O, no async runtime.
