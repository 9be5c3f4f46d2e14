use std::fmt;
use std::marker::PhantomData;

use crate::Result;
use crate::host::Source;
use crate::json::FromJson;
use crate::read;

/// An argument of the field, of the type that the schema declares. The name of
/// the parameter says which: `above: Argument<f64>` is `above: Float!`,
/// `customer_id: Argument<Option<Id>>` is `customerId: ID`.
pub struct Argument<T> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T: FromJson> Argument<T> {
    /// The value. Reading it again gives the same, and asks the host no more.
    ///
    /// # Errors
    ///
    /// None on the server, which has checked arguments against the schema. In a
    /// test, where the value given does not fit.
    pub fn read(&self) -> Result<T> {
        read::required(Source::Argument, self.name)
    }
}

impl<T> Argument<T> {
    pub(crate) fn new(name: &'static str) -> Self {
        Argument {
            name,
            value: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Argument<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Argument").field(&self.name).finish()
    }
}
