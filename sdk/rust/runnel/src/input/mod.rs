//! What a resolver may take as parameters. Each is a handle: it reads nothing
//! until it is asked.

mod argument;
mod bus;
mod context;
mod event;
mod parents;

pub use argument::Argument;
pub use bus::{Bus, Refused};
pub use context::{Context, Meta};
pub use event::Event;
pub use parents::{Batch, Parents};
