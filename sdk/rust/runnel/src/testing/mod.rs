//! Runs resolvers off the server, in plain unit tests.
//!
//! ```
//! # mod doc {
//! # #[runnel::module("examples/orders.graphql")]
//! # pub mod orders {
//! #     use runnel::prelude::*;
//! #     #[subscription]
//! #     fn order_updated(event: Event<Order>, context: Context) -> Outcome<Order> {
//! #         let mut order = event.read()?;
//! #         if !context.permitted("orders:note") {
//! #             order.note = None;
//! #         }
//! #         deliver(order)
//! #     }
//! # }
//! # pub fn test() {
//! use runnel::testing::{Run, json};
//! use orders::{Order, order_updated};
//!
//! let ran = Run::of::<order_updated>()
//!     .event(json(r#"{"id": "o1", "customerId": "c1", "status": "PAID", "note": "ring twice"}"#))
//!     .run();
//! let order: Order = ran.delivered();
//! assert_eq!(order.note, None);
//! assert_eq!(ran.reads(), ["event", "permitted orders:note"]);
//! # }
//! # }
//! # doc::test();
//! ```

mod ran;
mod run;

pub use ran::{Ending, Failure, Published, Ran};
pub use run::Run;

use crate::Json;

/// The JSON value that `text` is, to be given to a run.
///
/// # Panics
///
/// Where it is none.
#[track_caller]
pub fn json(text: &str) -> Json {
    match Json::parse(text) {
        Ok(json) => json,
        Err(mismatch) => panic!("{mismatch}: {text}"),
    }
}
