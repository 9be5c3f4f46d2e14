//! Reads of the current run: each is asked of the host once, and only when the
//! resolver's code asks for it.

use std::cell::RefCell;
use std::rc::Rc;

use crate::Error;
use crate::host::{self, Source};
use crate::json::{self, FromJson, Reader};

struct Read {
    source: Source,
    name: String,
    found: Option<Rc<String>>,
}

thread_local! {
    /// What this run has read. A run on the server finds it empty, since every
    /// run starts from the module's first image; off the server, `forget` does
    /// that.
    static READS: RefCell<Vec<Read>> = const { RefCell::new(Vec::new()) };
}

/// The JSON text of an input, where there is such a thing. `name` is empty for
/// inputs without a name.
pub(crate) fn text(source: Source, name: &str) -> Option<Rc<String>> {
    let known = READS.with_borrow(|reads| {
        let same = |read: &&Read| read.source == source && read.name == name;
        reads.iter().find(same).map(|read| read.found.clone())
    });
    known.unwrap_or_else(|| {
        let found: Option<Rc<String>> = host::read(source, name).map(Rc::new);
        READS.with_borrow_mut(|reads| {
            reads.push(Read {
                source,
                name: name.to_owned(),
                found: found.clone(),
            });
        });
        found
    })
}

/// An input that must be there, or whose type has a meaning for its absence.
pub(crate) fn required<T: FromJson>(source: Source, name: &str) -> Result<T, Error> {
    match text(source, name) {
        Some(text) => typed(source, name, &text),
        None => T::absent().ok_or_else(|| label(source, name, "missing")),
    }
}

/// An input that need not be there; null counts as absent.
pub(crate) fn optional<T: FromJson>(source: Source, name: &str) -> Result<Option<T>, Error> {
    match text(source, name) {
        Some(text) => typed(source, name, &text),
        None => Ok(None),
    }
}

fn typed<T: FromJson>(source: Source, name: &str, text: &str) -> Result<T, Error> {
    let reader = match source {
        Source::Parents => Reader::of_batch(text),
        _ => Reader::new(text),
    };
    json::read_whole(reader).map_err(|e| label(source, name, &e.text()))
}

#[cold]
#[inline(never)]
fn label(source: Source, name: &str, message: &str) -> Error {
    let separator = if name.is_empty() { "" } else { " " };
    Error::new(json::joined(&[
        source.word(),
        separator,
        name,
        ": ",
        message,
    ]))
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn forget() {
    READS.with_borrow_mut(Vec::clear);
}
