use std::fmt;

use crate::host;
use crate::json::{self, ToJson};

/// The tenant's own bus. Only a Mutation field may take it.
#[derive(Clone, Copy, Debug)]
pub struct Bus(());

impl Bus {
    pub(crate) fn new() -> Self {
        Bus(())
    }

    /// Publishes an event. It goes out, in order with the others, once the
    /// resolver has delivered; on any other end none goes out.
    ///
    /// # Errors
    ///
    /// Where the event is not taken; the resolver may go on all the same.
    pub fn publish<T: ToJson + ?Sized>(&self, channel: &str, event: &T) -> Result<(), Refused> {
        let payload = json::to_string(event).map_err(|_| Refused::BadEvent)?;
        match host::publish(channel, &payload) {
            0 => Ok(()),
            1 => Err(Refused::OverLimit),
            _ => Err(Refused::BadEvent),
        }
    }
}

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The run has published too many events, or too large ones.
    OverLimit,
    /// The channel has no valid name, or the event has no JSON.
    BadEvent,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::OverLimit => "publish: over the limit",
            Refused::BadEvent => "publish: bad channel or event",
        })
    }
}

impl std::error::Error for Refused {}
