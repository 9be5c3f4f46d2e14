use std::fmt;
use std::ops::Deref;

use crate::json::{FromJson, Kind, Mismatch, Reader, ToJson, Writer};

/// A GraphQL `ID`: opaque text. In JSON it may come as a string or as a whole
/// number, and goes out as a string.
///
/// It compares with strings and derefs to `str`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Id(text.to_owned())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Id(text)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Id {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromJson for Id {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        if reader.kind()? != Kind::Number {
            return Ok(Id(reader.string("ID")?.into_owned()));
        }
        let text = reader.number("ID")?;
        if text.contains(['.', 'e', 'E']) {
            return Err(Mismatch::not(text, "an ID"));
        }
        Ok(Id(text.to_owned()))
    }
}

impl ToJson for Id {
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.0);
    }
}
