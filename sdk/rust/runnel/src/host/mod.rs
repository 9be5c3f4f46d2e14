//! The host's side of `runnel_v1`: imports on the server, a scripted host in
//! tests.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Event,
    Meta,
    Parents,
    Config,
    Argument,
    Claim,
    Permitted,
}

impl Source {
    /// The source as messages and tests name it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Source::Event => "event",
            Source::Meta => "meta",
            Source::Parents => "parents",
            Source::Config => "config",
            Source::Argument => "argument",
            Source::Claim => "claim",
            Source::Permitted => "permitted",
        }
    }
}

/// The severity of a line in the module's log. The values are the ABI's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// For whoever debugs the module.
    Debug = 0,
    /// Worth knowing.
    Info = 1,
    /// Something is odd.
    Warn = 2,
    /// Something went wrong.
    Error = 3,
}
