use std::fmt;
use std::marker::PhantomData;

use crate::Result;
use crate::host::Source;
use crate::json::FromJson;
use crate::read;

/// The event that a Subscription field is resolved for, its payload to be read
/// as a `T`: a type of the schema, or one that derives
/// [`FromJson`](derive@crate::FromJson). Members of the payload that `T` does
/// not have are ignored.
pub struct Event<T> {
    payload: PhantomData<fn() -> T>,
}

impl<T: FromJson> Event<T> {
    /// The payload. Reading it again gives the same, and asks the host no more.
    ///
    /// # Errors
    ///
    /// Where the payload does not fit `T`: `event: total: expected Float, got a
    /// string`.
    pub fn read(&self) -> Result<T> {
        read::required(Source::Event, "")
    }
}

impl<T> Event<T> {
    pub(crate) fn new() -> Self {
        Event {
            payload: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event")
    }
}
