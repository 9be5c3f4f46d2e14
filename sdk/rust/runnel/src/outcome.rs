use crate::Error;
use crate::error::Report;
use crate::json::{ToJson, Writer};

/// What a resolver returns: a verdict, or the error it failed with.
///
/// `T` is the field's type in the schema: `Outcome<f64>` for `Float!`,
/// `Outcome<Option<f64>>` for `Float`. A resolver of a nullable field that never
/// delivers null may return the type itself, `Outcome<f64>`.
pub type Outcome<T> = Result<Verdict<T>, Error>;

/// What a resolver of a field of an object type returns: a value or an error for
/// each parent, from [`Batch::each`](crate::Batch::each) or
/// [`Batch::all`](crate::Batch::all), or the error that is every parent's.
///
/// `T` is as for [`Outcome`].
pub type Resolved<T> = Result<Values<T>, Error>;

/// A value or an error for each parent of a batch.
#[derive(Clone, Debug)]
pub struct Values<T>(pub(crate) Vec<Result<T, Error>>);

impl<T: ToJson> ToJson for Values<T> {
    fn write(&self, writer: &mut Writer) {
        let mut array = writer.array();
        for value in &self.0 {
            match value {
                Ok(value) => array.element(value),
                Err(error) => array.element(&Failed(error)),
            }
        }
    }
}

/// An element that is an error.
struct Failed<'a>(&'a Error);

impl ToJson for Failed<'_> {
    fn write(&self, writer: &mut Writer) {
        writer.object().member("@error", &Report(self.0));
    }
}

/// A resolver's decision about one event, or one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// This subscriber gets nothing. For a Query or Mutation field: null.
    Skip,
    /// This subscriber gets the value.
    Deliver(T),
    /// The subscription ends, after a last value where there is one. No verdict
    /// for a Query or Mutation field.
    Complete(Option<T>),
}

/// The subscriber gets nothing of this event. For a Query or Mutation field:
/// null.
///
/// # Errors
///
/// Never; it is a `Result` to be returned.
pub fn skip<T>() -> Outcome<T> {
    Ok(Verdict::Skip)
}

/// The subscriber gets `value`. What converts into the field's type will do:
/// `deliver("text")`, or `deliver(order)` where the field may be null.
///
/// # Errors
///
/// Never; it is a `Result` to be returned.
pub fn deliver<T>(value: impl Into<T>) -> Outcome<T> {
    Ok(Verdict::Deliver(value.into()))
}

/// The subscription ends here.
///
/// # Errors
///
/// Never; it is a `Result` to be returned.
pub fn complete<T>() -> Outcome<T> {
    Ok(Verdict::Complete(None))
}

/// The subscriber gets `value`, and the subscription ends.
///
/// # Errors
///
/// Never; it is a `Result` to be returned.
pub fn complete_with<T>(value: impl Into<T>) -> Outcome<T> {
    Ok(Verdict::Complete(Some(value.into())))
}

/// The subscriber gets an error; the subscription goes on. `error` is a message
/// or an [`Error`] with extensions.
///
/// `R` is whatever would have been given instead: for [`Outcome<T>`](Outcome) a
/// verdict, in [`Batch::each`](crate::Batch::each) one parent's value.
///
/// # Errors
///
/// Always.
pub fn fail<R>(error: impl Into<Error>) -> Result<R, Error> {
    Err(error.into())
}
