#![allow(unsafe_code)]

use super::{Level, Source};

#[link(wasm_import_module = "runnel_v1")]
unsafe extern "C" {
    #[link_name = "input"]
    fn host_input(kind: i32, at: *mut u8, cap: usize) -> i32;
    #[link_name = "argument"]
    fn host_argument(name: *const u8, len: usize, at: *mut u8, cap: usize) -> i32;
    #[link_name = "claim"]
    fn host_claim(name: *const u8, len: usize, at: *mut u8, cap: usize) -> i32;
    #[link_name = "permitted"]
    fn host_permitted(name: *const u8, len: usize) -> i32;
    #[link_name = "output"]
    fn host_output(text: *const u8, len: usize);
    #[link_name = "fail"]
    fn host_fail(text: *const u8, len: usize);
    #[link_name = "publish"]
    fn host_publish(channel: *const u8, len: usize, event: *const u8, event_len: usize) -> i32;
    #[link_name = "log"]
    fn host_log(level: i32, text: *const u8, len: usize);
}

/// Room for the first try of a read, in bytes; most inputs fit, and then one
/// call does.
const FIRST_ROOM: usize = 512;

/// The text of an input; for a permission, empty text where it is held.
pub(crate) fn read(source: Source, name: &str) -> Option<String> {
    // SAFETY: the host reads `name`, and writes at most `cap` bytes at `at`,
    // which `filled` has reserved.
    let ask = |at: *mut u8, cap: usize| unsafe {
        match source {
            Source::Event => host_input(0, at, cap),
            Source::Meta => host_input(2, at, cap),
            Source::Parents => host_input(3, at, cap),
            Source::Config => host_input(4, at, cap),
            Source::Argument => host_argument(name.as_ptr(), name.len(), at, cap),
            Source::Claim => host_claim(name.as_ptr(), name.len(), at, cap),
            Source::Permitted => host_permitted(name.as_ptr(), name.len()) - 1,
        }
    };
    // Text that is not UTF-8 is no JSON either, and neither is "".
    filled(&ask).map(|bytes| String::from_utf8(bytes).unwrap_or_default())
}

/// Calls `ask` with room enough for its whole answer.
fn filled(ask: &dyn Fn(*mut u8, usize) -> i32) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(FIRST_ROOM);
    let mut len = usize::try_from(ask(bytes.as_mut_ptr(), FIRST_ROOM)).ok()?;
    if len > FIRST_ROOM {
        bytes = Vec::with_capacity(len);
        len = usize::try_from(ask(bytes.as_mut_ptr(), len)).ok()?.min(len);
    }
    // SAFETY: the host has written `len` bytes, which is no more than the room.
    unsafe { bytes.set_len(len) };
    Some(bytes)
}

pub(crate) fn output(text: &str) {
    // SAFETY: the host reads the text.
    unsafe { host_output(text.as_ptr(), text.len()) }
}

pub(crate) fn fail(text: &str) {
    // SAFETY: the host reads the text.
    unsafe { host_fail(text.as_ptr(), text.len()) }
}

pub(crate) fn publish(channel: &str, event: &str) -> i32 {
    // SAFETY: the host reads both texts.
    unsafe { host_publish(channel.as_ptr(), channel.len(), event.as_ptr(), event.len()) }
}

pub(crate) fn log(level: Level, text: &str) {
    // SAFETY: the host reads the text.
    unsafe { host_log(level as i32, text.as_ptr(), text.len()) }
}
