use std::borrow::Cow;

use super::mismatch::joined;
use super::{MAX_DEPTH, Mismatch, digits_of};

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind as messages name it, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }
}

/// A strict pull reader over one JSON text (RFC 8259).
///
/// It copies nothing but strings with escapes, and is total: whatever the text,
/// every method returns. A method that gives an error leaves the reader at an
/// unspecified place.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    /// Levels beyond `MAX_DEPTH`.
    more: u32,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `text`.
    pub fn new(text: &'a str) -> Self {
        Reader {
            text,
            at: 0,
            depth: 0,
            more: 0,
        }
    }

    /// A reader of a list whose elements may each nest as deep as a value.
    pub(crate) fn of_batch(text: &'a str) -> Self {
        Reader {
            more: 1,
            ..Reader::new(text)
        }
    }

    /// The kind of the value that comes next.
    ///
    /// # Errors
    ///
    /// Where no value begins.
    pub fn kind(&mut self) -> Result<Kind, Mismatch> {
        match self.peek() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'"') => Ok(Kind::String),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads a `null`, and says whether there was one.
    ///
    /// # Errors
    ///
    /// Where no value begins.
    pub fn null(&mut self) -> Result<bool, Mismatch> {
        if self.kind()? != Kind::Null {
            return Ok(false);
        }
        self.literal("null")?;
        Ok(true)
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    ///
    /// Where the next value is of another kind; `expected` names the type in
    /// the message.
    pub fn boolean(&mut self, expected: &str) -> Result<bool, Mismatch> {
        self.expect(Kind::Boolean, expected)?;
        let value = self.peek() == Some(b't');
        self.literal(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// Reads a number, and gives its text.
    ///
    /// # Errors
    ///
    /// As for [`Reader::boolean`].
    pub fn number(&mut self, expected: &str) -> Result<&'a str, Mismatch> {
        self.expect(Kind::Number, expected)?;
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(self.slice(start, self.at))
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// As for [`Reader::boolean`].
    pub fn string(&mut self, expected: &str) -> Result<Cow<'a, str>, Mismatch> {
        self.expect(Kind::String, expected)?;
        self.at += 1;
        let start = self.at;
        self.plain()?;
        if self.take(b'"') {
            return Ok(Cow::Borrowed(self.slice(start, self.at - 1)));
        }
        let mut value = self.slice(start, self.at).to_owned();
        while !self.take(b'"') {
            value.push(self.escape()?);
            let start = self.at;
            self.plain()?;
            value.push_str(self.slice(start, self.at));
        }
        Ok(Cow::Owned(value))
    }

    /// Reads an array, calling `element` at each of its values, which must read
    /// exactly that one.
    ///
    /// # Errors
    ///
    /// As for [`Reader::boolean`], and what `element` gives.
    pub fn array(
        &mut self,
        expected: &str,
        element: &mut dyn FnMut(&mut Self) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        self.expect(Kind::Array, expected)?;
        self.open()?;
        let mut index = 0;
        while self.more(b']', index == 0)? {
            element(self).map_err(|e| e.within(&digits_of(index)))?;
            index += 1;
        }
        Ok(())
    }

    /// Reads an object, calling `member` with each key; it must read exactly
    /// the member's value.
    ///
    /// # Errors
    ///
    /// As for [`Reader::boolean`], and what `member` gives.
    pub fn object(
        &mut self,
        expected: &str,
        member: &mut dyn FnMut(&str, &mut Self) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        self.expect(Kind::Object, expected)?;
        self.open()?;
        let mut first = true;
        while self.more(b'}', first)? {
            first = false;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            let key = self.string("")?;
            if self.peek() != Some(b':') {
                return Err(self.unexpected());
            }
            self.at += 1;
            member(&key, self).map_err(|e| e.within(&key))?;
        }
        Ok(())
    }

    /// Reads one value and forgets it.
    ///
    /// # Errors
    ///
    /// Where the text is no JSON.
    pub fn skip(&mut self) -> Result<(), Mismatch> {
        match self.kind()? {
            Kind::Null => self.null().map(drop),
            Kind::Boolean => self.boolean("").map(drop),
            Kind::Number => self.number("").map(drop),
            Kind::String => self.skip_string(),
            Kind::Array => self.array("", &mut Self::skip),
            Kind::Object => self.object("", &mut |_, reader| reader.skip()),
        }
    }

    /// Reads one value, and gives its text as it stands.
    ///
    /// # Errors
    ///
    /// Where the text is no JSON.
    pub fn raw(&mut self) -> Result<&'a str, Mismatch> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(self.slice(start, self.at))
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    ///
    /// Where something else is.
    pub fn finish(mut self) -> Result<(), Mismatch> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }

    /// Gives an error that names both types unless a value of `kind` follows.
    fn expect(&mut self, kind: Kind, expected: &str) -> Result<(), Mismatch> {
        let got = self.kind()?;
        if got == kind {
            return Ok(());
        }
        Err(Mismatch::expected(expected, got.name()))
    }

    /// The next byte that is not white space; the reader then stands at it.
    fn peek(&mut self) -> Option<u8> {
        let blank = |b: &&u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.rest().iter().take_while(blank).count();
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over `byte`, and says whether it was there.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// A part of the text; both ends lie beside ASCII bytes.
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn literal(&mut self, word: &str) -> Result<(), Mismatch> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Mismatch> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if start == self.at {
            return Err(self.unexpected());
        }
        Ok(())
    }

    /// Enters the array or object whose bracket comes next.
    fn open(&mut self) -> Result<(), Mismatch> {
        if self.depth == MAX_DEPTH + self.more {
            return Err(Mismatch::new("nested deeper than 64 levels"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Steps to the next value of an array or object, or past its end.
    fn more(&mut self, close: u8, first: bool) -> Result<bool, Mismatch> {
        match self.peek() {
            Some(b) if b == close => {
                self.depth -= 1;
                self.at += 1;
                Ok(false)
            }
            Some(_) if first => Ok(true),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Steps to the next quote or backslash of a string.
    fn plain(&mut self) -> Result<(), Mismatch> {
        let plain = |b: &&u8| !matches!(b, b'"' | b'\\' | 0..0x20);
        self.at += self.rest().iter().take_while(plain).count();
        match self.byte() {
            Some(b'"' | b'\\') => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    fn skip_string(&mut self) -> Result<(), Mismatch> {
        self.at += 1;
        self.plain()?;
        while !self.take(b'"') {
            self.escape()?;
            self.plain()?;
        }
        Ok(())
    }

    /// Reads an escape sequence, from its backslash on.
    fn escape(&mut self) -> Result<char, Mismatch> {
        self.at += 1;
        let c = match self.byte() {
            Some(b @ (b'"' | b'\\' | b'/')) => b as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(c)
    }

    /// Reads `uXXXX`, with the second half of a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, Mismatch> {
        let mut code = self.code_unit()?;
        if (0xD800..0xDC00).contains(&code) && self.take(b'\\') {
            let low = self.code_unit()?;
            if !(0xDC00..0xE000).contains(&low) {
                return Err(self.unexpected());
            }
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        char::from_u32(code).ok_or_else(|| self.unexpected())
    }

    fn code_unit(&mut self) -> Result<u32, Mismatch> {
        if !self.take(b'u') {
            return Err(self.unexpected());
        }
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|b| (b as char).to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.unexpected())?;
            self.at += 1;
        }
        Ok(code)
    }

    #[cold]
    #[inline(never)]
    fn unexpected(&self) -> Mismatch {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let message = match rest.chars().next() {
            Some(c) => joined(&["unexpected `", c.encode_utf8(&mut [0; 4]), "`"]),
            None => "unexpected end".to_owned(),
        };
        Mismatch::syntax(&message, self.at)
    }
}
