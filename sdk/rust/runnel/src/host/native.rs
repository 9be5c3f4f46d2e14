use std::cell::RefCell;

use super::{Level, Source};

/// What a host has to offer to one run, and what came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) event: Option<String>,
    pub(crate) meta: Option<String>,
    pub(crate) parents: Option<String>,
    pub(crate) config: Option<String>,
    pub(crate) arguments: Vec<(String, String)>,
    pub(crate) claims: Vec<(String, String)>,
    pub(crate) permissions: Vec<String>,
    pub(crate) publish_result: i32,

    pub(crate) reads: Vec<String>,
    pub(crate) output: Option<String>,
    pub(crate) failure: Option<String>,
    pub(crate) published: Vec<(String, String)>,
    pub(crate) log: Vec<(Level, String)>,
}

impl Script {
    fn read(&mut self, source: Source, name: &str) -> Option<String> {
        let read = [source.word(), name].join(" ");
        self.reads.push(read.trim_end().to_owned());
        match source {
            Source::Event => self.event.clone(),
            Source::Meta => self.meta.clone(),
            Source::Parents => self.parents.clone(),
            Source::Config => self.config.clone(),
            Source::Argument => named(&self.arguments, name),
            Source::Claim => named(&self.claims, name),
            Source::Permitted => {
                let held = self.permissions.iter().any(|p| p == name);
                held.then(String::new)
            }
        }
    }
}

/// The last value given under that name.
fn named(list: &[(String, String)], name: &str) -> Option<String> {
    let mut found = list.iter().rev().filter(|(n, _)| n == name);
    found.next().map(|(_, value)| value.clone())
}

thread_local! {
    static CURRENT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

/// Puts a script in the host's place on this thread, and gives the one before.
pub(crate) fn replace(script: Option<Script>) -> Option<Script> {
    CURRENT.replace(script)
}

/// Whether this thread is inside a run. False while a host call is under way.
pub(crate) fn running() -> bool {
    CURRENT.with(|current| current.try_borrow().is_ok_and(|script| script.is_some()))
}

fn with<T>(call: impl FnOnce(&mut Script) -> T) -> T {
    CURRENT.with_borrow_mut(|current| match current {
        Some(script) => call(script),
        None => panic!("off the server, resolvers run under runnel::testing::Run"),
    })
}

pub(crate) fn read(source: Source, name: &str) -> Option<String> {
    with(|script| script.read(source, name))
}

pub(crate) fn output(text: &str) {
    with(|script| script.output = Some(text.to_owned()));
}

pub(crate) fn fail(text: &str) {
    with(|script| script.failure = Some(text.to_owned()));
}

pub(crate) fn publish(channel: &str, event: &str) -> i32 {
    with(|script| {
        script
            .published
            .push((channel.to_owned(), event.to_owned()));
        script.publish_result
    })
}

pub(crate) fn log(level: Level, text: &str) {
    with(|script| script.log.push((level, text.to_owned())));
}
