use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Ran;
use crate::guest::{Field, Resolver};
use crate::host::{self, Script};
use crate::json::{self, ToJson};
use crate::read;

/// A run to be: a resolver, and what the host has to offer to it. What is not
/// given is not there.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `run`"]
pub struct Run {
    resolver: Resolver,
    script: Script,
}

impl Run {
    /// A run of the resolver of that name: `Run::of::<orders::order_updated>()`.
    pub fn of<F: Field>() -> Self {
        Run::by(F::RESOLVER)
    }

    /// A run of one of a module's `RESOLVERS`, by its name in the schema.
    ///
    /// # Panics
    ///
    /// Where there is no such resolver.
    #[track_caller]
    pub fn named(resolvers: &[Resolver], name: &str) -> Self {
        match resolvers.iter().find(|r| r.name == name) {
            Some(resolver) => Run::by(*resolver),
            None => panic!("no resolver is named {name}"),
        }
    }

    fn by(resolver: Resolver) -> Self {
        Run {
            resolver,
            script: Script::default(),
        }
    }

    /// The event's payload: a value of a type of the schema, or
    /// [`json`](super::json).
    #[track_caller]
    pub fn event(mut self, payload: impl ToJson) -> Self {
        self.script.event = Some(text(&payload));
        self
    }

    /// The parents of a field of an object type: a list of values of a type of
    /// the schema, or [`json`](super::json).
    #[track_caller]
    pub fn parents(mut self, parents: impl ToJson) -> Self {
        self.script.parents = Some(text(&parents));
        self
    }

    /// An argument, by its name in the schema. Those left out have the schema's
    /// default, where it gives one.
    ///
    /// # Panics
    ///
    /// Where the field has no such argument.
    #[track_caller]
    pub fn argument(mut self, name: &str, value: impl ToJson) -> Self {
        let declared = self.resolver.arguments.iter().any(|(n, _)| *n == name);
        assert!(declared, "{} has no argument {name}", self.resolver.name);
        self.script.arguments.push((name.to_owned(), text(&value)));
        self
    }

    /// A claim of the subscriber's identity.
    #[track_caller]
    pub fn claim(mut self, name: &str, value: impl ToJson) -> Self {
        self.script.claims.push((name.to_owned(), text(&value)));
        self
    }

    /// A permission that the subscriber holds.
    pub fn permission(mut self, permission: &str) -> Self {
        self.script.permissions.push(permission.to_owned());
        self
    }

    /// The event's or the request's [`Meta`](crate::Meta).
    #[track_caller]
    pub fn meta(mut self, meta: impl ToJson) -> Self {
        self.script.meta = Some(text(&meta));
        self
    }

    /// The module's config.
    #[track_caller]
    pub fn config(mut self, config: impl ToJson) -> Self {
        self.script.config = Some(text(&config));
        self
    }

    /// Lets the bus take no event, as where the run is over a limit.
    pub fn full_bus(mut self) -> Self {
        self.script.publish_result = 1;
        self
    }

    /// Makes the run. A panic of the resolver is caught: that is a trap.
    pub fn run(mut self) -> Ran {
        for (name, default) in self.resolver.arguments {
            let given = self.script.arguments.iter().any(|(n, _)| n == name);
            if let (false, Some(default)) = (given, default) {
                let argument = (String::from(*name), String::from(*default));
                self.script.arguments.push(argument);
            }
        }
        read::forget();
        let before = host::replace(Some(self.script));
        let verdict = catch_unwind(AssertUnwindSafe(self.resolver.call));
        let script = host::replace(before).unwrap_or_default();
        read::forget();
        Ran::new(verdict.ok(), script)
    }
}

#[track_caller]
fn text(value: &impl ToJson) -> String {
    match json::to_string(value) {
        Ok(text) => text,
        Err(mismatch) => panic!("{mismatch}"),
    }
}
