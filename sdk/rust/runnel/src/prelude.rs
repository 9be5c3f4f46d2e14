//! Everything that resolvers are written with: `use runnel::prelude::*;`
//!
//! A type of the schema that has the name of one here hides it; then write
//! `runnel::Event` for the SDK's.

pub use crate::{
    Argument, Bus, Context, Error, Event, FromJson, Id, Json, Meta, Outcome, Refused, Result,
    ToJson, Verdict, complete, complete_with, debug, deliver, error, fail, info, skip, warn,
};
