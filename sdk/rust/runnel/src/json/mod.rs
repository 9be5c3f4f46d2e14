//! JSON as resolvers meet it: typed values in, typed values out.
//!
//! Types of the schema implement [`FromJson`] and [`ToJson`] already; a type of
//! the module's own gets them by `#[derive(FromJson, ToJson)]`.

mod impls;
mod mismatch;
mod number;
mod reader;
mod text;
mod writer;

pub use mismatch::Mismatch;
pub(crate) use mismatch::joined;
pub(crate) use number::digits_of;
pub use reader::{Kind, Reader};
pub use text::Json;
pub use writer::{Array, Object, Writer};

/// How deep arrays and objects may nest, in what is read and in what is
/// written.
pub const MAX_DEPTH: u32 = 64;

/// A type that can be read from JSON.
pub trait FromJson: Sized {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] that says where the text differs from the type. The
    /// reader is of no use afterwards.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch>;

    /// What a member that is absent stands for; `None` where it must be there.
    fn absent() -> Option<Self> {
        None
    }
}

/// A type that can be written as JSON.
pub trait ToJson {
    /// Writes exactly one value.
    fn write(&self, writer: &mut Writer);

    /// Whether the value is `null`. Objects leave such members out.
    fn is_null(&self) -> bool {
        false
    }
}

/// Reads `text` as one JSON value of type `T`.
///
/// # Errors
///
/// A [`Mismatch`] where the text is no JSON or does not fit `T`.
pub fn from_str<T: FromJson>(text: &str) -> Result<T, Mismatch> {
    read_whole(Reader::new(text))
}

/// Reads what is left as one value.
pub(crate) fn read_whole<T: FromJson>(mut reader: Reader<'_>) -> Result<T, Mismatch> {
    let value = T::read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Writes `value` as JSON.
///
/// # Errors
///
/// A [`Mismatch`] where JSON has no words for it: a number that is not finite,
/// or more than [`MAX_DEPTH`] levels of nesting.
pub fn to_string<T: ToJson + ?Sized>(value: &T) -> Result<String, Mismatch> {
    let mut writer = Writer::new();
    value.write(&mut writer);
    writer.finish()
}

/// A member that was read, or what its absence stands for. Used by derived
/// code.
#[doc(hidden)]
pub fn member<T: FromJson>(read: Option<T>, name: &str) -> Result<T, Mismatch> {
    match read {
        Some(value) => Ok(value),
        None => T::absent().ok_or_else(|| Mismatch::missing().within(name)),
    }
}
