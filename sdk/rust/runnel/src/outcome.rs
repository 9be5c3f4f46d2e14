use crate::Error;

/// What a resolver returns: a verdict, or the error it failed with.
///
/// `T` is the field's type in the schema: `Outcome<f64>` for `Float!`,
/// `Outcome<Option<f64>>` for `Float`. A resolver of a nullable field that never
/// delivers null may return the type itself, `Outcome<f64>`.
pub type Outcome<T> = Result<Verdict<T>, Error>;

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
/// # Errors
///
/// Always.
pub fn fail<T>(error: impl Into<Error>) -> Outcome<T> {
    Err(error.into())
}
