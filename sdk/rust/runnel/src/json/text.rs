use std::fmt;

use super::{FromJson, Mismatch, Reader, ToJson, Writer};

/// Any JSON value, kept as its text. Custom scalars of a schema are of this
/// type unless the module declares one of its own.
///
/// Two are equal when their texts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Checks that `text` is one JSON value.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub fn parse(text: &str) -> Result<Self, Mismatch> {
        super::from_str(text)
    }

    /// The JSON of a value.
    ///
    /// # Errors
    ///
    /// As for [`to_string`](super::to_string).
    pub fn of<T: ToJson + ?Sized>(value: &T) -> Result<Self, Mismatch> {
        super::to_string(value).map(Json)
    }

    /// Reads it as a `T`.
    ///
    /// # Errors
    ///
    /// Where it does not fit.
    pub fn read_as<T: FromJson>(&self) -> Result<T, Mismatch> {
        super::from_str(&self.0)
    }

    /// The text, without white space around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Json {
    /// `null`
    fn default() -> Self {
        Json("null".to_owned())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromJson for Json {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        Ok(Json(reader.raw()?.to_owned()))
    }
}

impl ToJson for Json {
    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }

    fn is_null(&self) -> bool {
        self.0 == "null"
    }
}
