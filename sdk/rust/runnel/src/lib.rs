//! Write [Runnel](https://github.com/runnel-dev/runnel) resolvers as plain typed
//! functions.
//!
//! A module is a `schema.graphql` and one function per root field:
//!
//! ```
//! # mod doc {
//! #[runnel::module("examples/orders.graphql")]
//! mod orders {
//!     use runnel::prelude::*;
//!
//!     #[subscription]
//!     fn order_updated(event: Event<Order>, context: Context) -> Outcome<Order> {
//!         let mut order = event.read()?;
//!         if order.status == "DRAFT" {
//!             return skip();
//!         }
//!         if !context.permitted("orders:note") {
//!             order.note = None;
//!         }
//!         deliver(order)
//!     }
//! }
//! # }
//! ```
//!
//! [`module`] generates `Order` from the schema, exports `order_updated` as
//! `Subscription.orderUpdated`, and puts the schema into the module. A resolver
//! reads only what its code asks for, and that is what decides how far its
//! result can be shared among subscribers. [`testing`] runs
//! resolvers off the server.
#![deny(unsafe_code)]

#[cfg(all(target_arch = "wasm32", feature = "bump"))]
mod alloc;
mod error;
#[doc(hidden)]
pub mod guest;
mod host;
mod id;
mod input;
pub mod json;
mod log;
mod outcome;
mod panics;
pub mod prelude;
mod read;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use error::Error;
pub use host::Level;
pub use id::Id;
pub use input::{Argument, Batch, Bus, Context, Event, Meta, Parents, Refused};
pub use json::{FromJson, Json, ToJson};
pub use log::log;
pub use outcome::{
    Outcome, Resolved, Values, Verdict, complete, complete_with, deliver, fail, skip,
};
pub use runnel_macros::{FromJson, ToJson, module};

/// A result whose error is, unless said otherwise, an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
