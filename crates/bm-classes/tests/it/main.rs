//! Tests of the crate from outside.

mod any_input;
mod draw;
mod origins;
