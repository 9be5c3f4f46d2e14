//! Panics end as a line in the module's log, with message and place, and a
//! trap.

use std::panic::{self, PanicHookInfo};

use crate::host::{self, Level};
use crate::json::{digits_of, joined};

/// The line that reports a panic: `panicked at src/lib.rs:7:9: message`.
fn line(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("no message");
    let Some(place) = panic.location() else {
        return joined(&["panicked: ", message]);
    };
    let number = |n: u32| digits_of(u64::from(n));
    let (line, column) = (number(place.line()), number(place.column()));
    let parts = [
        "panicked at ",
        place.file(),
        ":",
        &line,
        ":",
        &column,
        ": ",
        message,
    ];
    joined(&parts)
}

/// Sees to it that panics of this run are reported.
#[cfg(target_arch = "wasm32")]
#[inline(never)]
pub(crate) fn report() {
    panic::set_hook(Box::new(|panic| host::log(Level::Error, &line(panic))));
}

/// Sees to it that panics inside runs are reported; others go on to the hook
/// that was there before.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn report() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if host::running() {
                host::log(Level::Error, &line(panic));
            } else {
                before(panic);
            }
        }));
    });
}
