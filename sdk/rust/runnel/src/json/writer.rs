use super::{MAX_DEPTH, Mismatch, ToJson};

/// Writes one JSON text.
///
/// What JSON cannot say does not stop it: [`Writer::finish`] gives the first
/// such error.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    depth: u32,
    /// Levels beyond `MAX_DEPTH`.
    more: u32,
    problem: Option<Mismatch>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Writer {
            text: String::with_capacity(256),
            ..Writer::default()
        }
    }

    /// A writer of a list whose elements may each nest as deep as a value.
    pub(crate) fn of_batch() -> Self {
        Writer {
            more: 1,
            ..Writer::new()
        }
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// The first thing that could not be written.
    pub fn finish(self) -> Result<String, Mismatch> {
        match self.problem {
            None => Ok(self.text),
            Some(problem) => Err(problem),
        }
    }

    /// Writes `text`, which must be one JSON value.
    pub fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Writes a string.
    pub fn string(&mut self, value: &str) {
        self.text.push('"');
        let mut start = 0;
        for (i, b) in value.bytes().enumerate() {
            if b < 0x20 || b == b'"' || b == b'\\' {
                self.text.push_str(value.get(start..i).unwrap_or_default());
                self.escape(b);
                start = i + 1;
            }
        }
        self.text.push_str(value.get(start..).unwrap_or_default());
        self.text.push('"');
    }

    #[cold]
    fn escape(&mut self, byte: u8) {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            _ => {
                self.text.push_str("\\u00");
                self.text.push(if byte < 0x10 { '0' } else { '1' });
                let digit = b"0123456789abcdef"[usize::from(byte & 15)];
                self.text.push(digit as char);
                return;
            }
        };
        self.text.push_str(short);
    }

    /// Begins an object; dropping what is returned ends it.
    pub fn object(&mut self) -> Object<'_> {
        Object(self.open('{'))
    }

    /// Begins an array; dropping what is returned ends it.
    pub fn array(&mut self) -> Array<'_> {
        Array(self.open('['))
    }

    fn open(&mut self, bracket: char) -> Open<'_> {
        let shown = self.depth < MAX_DEPTH + self.more;
        if shown {
            self.depth += 1;
            self.text.push(bracket);
        } else {
            self.reject("nested deeper than 64 levels");
        }
        Open {
            writer: self,
            shown,
            empty: true,
        }
    }

    /// Notes that the value has no JSON; the text will not be used.
    #[cold]
    pub(crate) fn reject(&mut self, message: &str) {
        if self.problem.is_none() {
            self.problem = Some(Mismatch::new(message));
        }
    }
}

/// An array or object that is being written; not shown where it lies too deep.
#[derive(Debug)]
struct Open<'w> {
    writer: &'w mut Writer,
    shown: bool,
    empty: bool,
}

impl Open<'_> {
    fn separate(&mut self) {
        if !self.empty {
            self.writer.text.push(',');
        }
        self.empty = false;
    }

    fn close(&mut self, bracket: char) {
        if self.shown {
            self.writer.depth -= 1;
            self.writer.text.push(bracket);
        }
    }
}

/// An object that is being written.
#[derive(Debug)]
pub struct Object<'w>(Open<'w>);

impl Object<'_> {
    /// Writes a member; one that is null is left out.
    pub fn member<T: ToJson + ?Sized>(&mut self, name: &str, value: &T) {
        if self.0.shown && !value.is_null() {
            self.name(name);
            value.write(self.0.writer);
        }
    }

    #[inline(never)]
    fn name(&mut self, name: &str) {
        self.0.separate();
        self.0.writer.string(name);
        self.0.writer.text.push(':');
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.0.close('}');
    }
}

/// An array that is being written.
#[derive(Debug)]
pub struct Array<'w>(Open<'w>);

impl Array<'_> {
    /// Writes an element.
    pub fn element<T: ToJson + ?Sized>(&mut self, value: &T) {
        if self.0.shown {
            self.0.separate();
            value.write(self.0.writer);
        }
    }
}

impl Drop for Array<'_> {
    fn drop(&mut self) {
        self.0.close(']');
    }
}
