use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::host::Source;
use crate::json::{FromJson, digits_of, joined};
use crate::read;
use crate::{Error, Resolved, Result, Values};

/// The objects that a field of an object type is resolved for, each to be read
/// as a `T`: the type itself, or a struct that derives
/// [`FromJson`](derive@crate::FromJson), for members that the module's schema
/// does not declare. They are what the resolvers above have delivered, whole:
/// members that nobody has selected are there, too.
pub struct Parents<T> {
    parents: PhantomData<fn() -> T>,
}

impl<T: FromJson> Parents<T> {
    /// The parents, in the order of the response; none of them is null.
    ///
    /// # Errors
    ///
    /// Where one does not fit `T`: `parents: 2.customerId: missing`.
    pub fn read(&self) -> Result<Batch<T>> {
        read::required(Source::Parents, "").map(Batch)
    }
}

impl<T> Parents<T> {
    pub(crate) fn new() -> Self {
        Parents {
            parents: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Parents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parents")
    }
}

/// Parents as read: a slice, and the way to a value for each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<T>(Vec<T>);

impl<T> Batch<T> {
    /// Resolves the field for one parent after the other. An error is that
    /// parent's alone.
    ///
    /// # Errors
    ///
    /// Never; it is a `Result` to be returned.
    pub fn each<V>(&self, value: impl FnMut(&T) -> Result<V>) -> Resolved<V> {
        Ok(Values(self.0.iter().map(value).collect()))
    }

    /// Resolves the field for all parents, from values in their order.
    ///
    /// # Errors
    ///
    /// Where there are more or fewer values than parents; then the field is an
    /// error for every parent.
    pub fn all<V>(&self, values: Vec<V>) -> Resolved<V> {
        if values.len() != self.0.len() {
            return Err(miscounted(values.len(), self.0.len()));
        }
        Ok(Values(values.into_iter().map(Ok).collect()))
    }
}

#[cold]
#[inline(never)]
fn miscounted(values: usize, parents: usize) -> Error {
    Error::new(joined(&[
        "the resolver gave ",
        &digits_of(values as u64),
        " values for ",
        &digits_of(parents as u64),
        " parents",
    ]))
}

impl<T> Deref for Batch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}
