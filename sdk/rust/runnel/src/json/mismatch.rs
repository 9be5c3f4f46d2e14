use std::fmt;

use super::digits_of;

/// How much of a value a message shows, in characters.
const MAX_SHOWN: usize = 100;

/// Where and how a JSON text differs from the type it should have.
///
/// It prints as `path: message`, the path being keys and indices joined by
/// dots: `inner.grid.1.1: expected Float, got a string`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(Box<Parts>); // boxed: it is rare, and results stay small

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    path: String,
    message: String,
}

impl Mismatch {
    /// A mismatch of the value itself.
    #[cold]
    #[inline(never)]
    pub fn new(message: impl Into<String>) -> Self {
        Mismatch(Box::new(Parts {
            path: String::new(),
            message: message.into(),
        }))
    }

    #[cold]
    pub(crate) fn missing() -> Self {
        Mismatch::new("missing")
    }

    /// The value is of another kind than the type.
    #[cold]
    #[inline(never)]
    pub fn expected(expected: &str, got: &str) -> Self {
        Mismatch::new(joined(&["expected ", expected, ", got ", got]))
    }

    /// The value is of the right kind, but none of the type.
    #[cold]
    #[inline(never)]
    pub fn not(value: &str, what: &str) -> Self {
        match value.char_indices().nth(MAX_SHOWN) {
            None => Mismatch::new(joined(&[value, " is not ", what])),
            Some((end, _)) => {
                let begin = value.get(..end).unwrap_or_default();
                Mismatch::new(joined(&[begin, "… is not ", what]))
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn syntax(message: &str, offset: usize) -> Self {
        Mismatch::new(joined(&[message, " at byte ", &digits_of(offset as u64)]))
    }

    /// The same mismatch, seen from the value that holds this one under `key`.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn within(mut self, key: &str) -> Self {
        self.0.path = match self.0.path.as_str() {
            "" => key.to_owned(),
            path => joined(&[key, ".", path]),
        };
        self
    }

    /// What it prints as.
    #[cold]
    #[inline(never)]
    pub(crate) fn text(&self) -> String {
        match self.path() {
            "" => self.message().to_owned(),
            path => joined(&[path, ": ", self.message()]),
        }
    }

    /// Keys and indices joined by dots; empty for the whole value.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong there.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

/// The parts, one after the other; smaller code than `concat`.
pub(crate) fn joined(parts: &[&str]) -> String {
    let mut joined = String::new();
    for part in parts {
        joined.push_str(part);
    }
    joined
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for Mismatch {}
