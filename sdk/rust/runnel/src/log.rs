use std::fmt;

use crate::host::{self, Level};

/// Puts a line into the module's log: `log(Level::Info, format_args!("{n}"))`.
/// The macros [`debug!`](crate::debug), [`info!`](crate::info),
/// [`warn!`](crate::warn) and [`error!`](crate::error) are shorter.
pub fn log(level: Level, line: fmt::Arguments<'_>) {
    match line.as_str() {
        Some(line) => host::log(level, line),
        None => host::log(level, &line.to_string()),
    }
}

/// Logs a line at level debug, as `format!` would print it.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log($crate::Level::Debug, ::std::format_args!($($line)+)) };
}

/// Logs a line at level info, as `format!` would print it.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log($crate::Level::Info, ::std::format_args!($($line)+)) };
}

/// Logs a line at level warn, as `format!` would print it.
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::log($crate::Level::Warn, ::std::format_args!($($line)+)) };
}

/// Logs a line at level error, as `format!` would print it.
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::log($crate::Level::Error, ::std::format_args!($($line)+)) };
}
