//! Everything that resolvers are written with: `use runnel::prelude::*;`
//!
//! A type of the schema that has the name of one here hides it; then write
//! `runnel::Event` for the SDK's.

pub use crate::{
    Argument, Batch, Bus, Context, Error, Event, FromJson, Id, Json, Meta, Outcome, Parents,
    Refused, Resolved, Result, ToJson, Values, Verdict, complete, complete_with, debug, deliver,
    error, fail, info, skip, warn,
};
