use std::fmt::Display;

use crate::json::{Json, ToJson};

/// Why a resolver failed. The subscriber gets it as a GraphQL error.
///
/// Everything that prints converts into one, so `?` works on any error, and on
/// plain text: `.ok_or("out of stock")?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    extensions: Vec<(String, Json)>,
}

impl Error {
    /// An error with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Error {
            message: message.into(),
            extensions: Vec::new(),
        }
    }

    /// Adds a member to the error's `extensions`: `.with("left", &0)`. A value
    /// that has no JSON, such as NaN, becomes null.
    #[must_use]
    pub fn with<T: ToJson + ?Sized>(mut self, name: &str, value: &T) -> Self {
        let value = Json::of(value).unwrap_or_default();
        self.extensions.push((name.to_owned(), value));
        self
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What `fail` of the ABI is given: the message alone where that is clear,
    /// else an object.
    pub(crate) fn report(self) -> String {
        if self.extensions.is_empty() && !begins_as_object(&self.message) {
            return self.message;
        }
        crate::json::to_string(&Report(&self)).unwrap_or(self.message)
    }
}

/// An error as the ABI knows it: its message, and its extensions where it has
/// any.
pub(crate) struct Report<'a>(pub(crate) &'a Error);

impl ToJson for Report<'_> {
    fn write(&self, writer: &mut crate::json::Writer) {
        let mut object = writer.object();
        object.member("message", &self.0.message);
        object.member("extensions", &Extensions(&self.0.extensions));
    }
}

/// Whether a host could take the message for an object.
fn begins_as_object(message: &str) -> bool {
    let blank = |b: &u8| b.is_ascii_whitespace();
    message.bytes().find(|b| !blank(b)) == Some(b'{')
}

impl<E: Display> From<E> for Error {
    fn from(error: E) -> Self {
        Error::new(error.to_string())
    }
}

struct Extensions<'a>(&'a [(String, Json)]);

impl ToJson for Extensions<'_> {
    fn write(&self, writer: &mut crate::json::Writer) {
        let mut object = writer.object();
        for (name, value) in self.0 {
            object.member(name, value);
        }
    }

    fn is_null(&self) -> bool {
        self.0.is_empty()
    }
}
