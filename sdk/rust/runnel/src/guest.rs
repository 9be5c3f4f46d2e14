//! What the code that [`module`](crate::module) generates is made of. Not for
//! use by hand, and free to change with every version.

use crate::host;
use crate::input::{Argument, Bus, Context, Event, Parents};
pub use crate::json::member;
use crate::json::{self, FromJson, Json, Mismatch, Object, Reader, ToJson, Writer};
use crate::{Error, Outcome, Resolved, Verdict, panics};

/// A field that has a resolver.
pub trait Field {
    /// Its resolver.
    const RESOLVER: Resolver;
}

/// A resolver, ready to be called.
#[derive(Clone, Copy, Debug)]
pub struct Resolver {
    /// `Type.field`
    pub name: &'static str,
    /// The field's arguments: names, and defaults as JSON.
    pub arguments: &'static [(&'static str, Option<&'static str>)],
    /// Makes one run, and gives its verdict as a number.
    pub call: fn() -> i32,
}

/// A field of Subscription.
#[diagnostic::on_unimplemented(
    message = "only a resolver of a Subscription field has an event",
    label = "there is no event here"
)]
pub trait Subscription: Field {}

/// A field of Mutation.
#[diagnostic::on_unimplemented(
    message = "only a resolver of a Mutation field may publish",
    label = "nothing can be published from here"
)]
pub trait Mutation: Field {}

/// A field of an object type, resolved for a batch of parents.
#[diagnostic::on_unimplemented(
    message = "only a resolver of a field of an object type has parents",
    label = "there are no parents here"
)]
pub trait Batched: Field {}

/// What the resolver of the field `F` may take as a parameter.
#[diagnostic::on_unimplemented(
    message = "a resolver cannot take `{Self}`",
    label = "not an input",
    note = "it may take Argument<T> and Context; for a Subscription field Event<T>, for a Mutation field Bus, for a field of an object type Parents<T>"
)]
pub trait Input<F> {
    /// The handle. `name` is the schema's name of the argument that the
    /// parameter is named after.
    fn open(name: &'static str) -> Self;
}

impl<F: Subscription, T: FromJson> Input<F> for Event<T> {
    fn open(_: &'static str) -> Self {
        Event::new()
    }
}

impl<F: Batched, T: FromJson> Input<F> for Parents<T> {
    fn open(_: &'static str) -> Self {
        Parents::new()
    }
}

impl<F, T: FromJson> Input<F> for Argument<T> {
    fn open(name: &'static str) -> Self {
        Argument::new(name)
    }
}

impl<F> Input<F> for Context {
    fn open(_: &'static str) -> Self {
        Context::new()
    }
}

impl<F: Mutation> Input<F> for Bus {
    fn open(_: &'static str) -> Self {
        Bus::new()
    }
}

/// An argument of the type that the schema declares, as `T`.
#[diagnostic::on_unimplemented(
    message = "the schema declares this argument as `Argument<{T}>`",
    label = "another type"
)]
pub trait Declares<T> {}

impl<T> Declares<T> for Argument<T> {}

/// A type that parents of the schema's type `P` may be read as. Types of the
/// schema are so for themselves alone, those of the module's own for all.
#[diagnostic::on_unimplemented(
    message = "the parents of this field are `Parents<{P}>`",
    label = "another type",
    note = "a struct of the module's own that derives FromJson will do as well"
)]
pub trait Parent<P> {}

impl<P> Parent<P> for Json {}

/// Parents that fit the field's type `P`.
pub trait ParentsOf<P> {}

impl<P, T: Parent<P>> ParentsOf<P> for Parents<T> {}

/// A type that a resolver may deliver where the schema declares `T`.
#[diagnostic::on_unimplemented(
    message = "the schema declares this field as `{T}`",
    label = "the resolver delivers `{Self}`"
)]
pub trait Fits<T>: ToJson {}

impl<T: ToJson> Fits<T> for T {}

impl<T: ToJson> Fits<Option<T>> for T {}

/// Opens the input `I` of the field `F`.
pub fn open<F, I: Input<F>>(name: &'static str) -> I {
    I::open(name)
}

/// Checks that an argument is declared as `T`.
pub const fn declared<T, A: Declares<T>>() {}

/// Checks that parents are of the type `P`.
pub const fn parents_of<P, I: ParentsOf<P>>() {}

/// Makes one run: calls `resolver`, and tells the host what came of it.
pub fn run<D, T: Fits<D>>(resolver: impl FnOnce() -> Outcome<T>) -> i32 {
    panics::report();
    match resolver() {
        Ok(Verdict::Skip) => 0,
        Ok(Verdict::Deliver(value)) => put(1, json::to_string(&value)),
        Ok(Verdict::Complete(None)) => 3,
        Ok(Verdict::Complete(Some(value))) => put(3, json::to_string(&value)),
        Err(error) => failed(error),
    }
}

/// Makes one run for a batch of parents.
pub fn run_batch<D, T: Fits<D>>(resolver: impl FnOnce() -> Resolved<T>) -> i32 {
    panics::report();
    match resolver() {
        Ok(values) => {
            let mut writer = Writer::of_batch();
            values.write(&mut writer);
            put(1, writer.finish())
        }
        Err(error) => failed(error),
    }
}

#[inline(never)]
fn put(verdict: i32, output: Result<String, Mismatch>) -> i32 {
    match output {
        Ok(text) => {
            host::output(&text);
            verdict
        }
        Err(mismatch) => failed(Error::new(mismatch.within("output").text())),
    }
}

#[cold]
#[inline(never)]
fn failed(error: Error) -> i32 {
    host::fail(&error.report());
    2
}

/// An object whose members can be written among others.
pub trait Members {
    /// Writes the members.
    fn members(&self, object: &mut Object<'_>);
}

/// Writes an object with its type's name, as unions and interfaces need it.
pub fn write_typed(writer: &mut Writer, name: &str, value: &dyn Members) {
    let mut object = writer.object();
    object.member("__typename", name);
    value.members(&mut object);
}

/// The `__typename` of the object that comes next, which stays unread.
///
/// # Errors
///
/// Where there is no object, or no such member in it.
pub fn type_name(reader: &Reader<'_>, expected: &str) -> Result<String, Mismatch> {
    let mut name = None;
    reader.clone().object(expected, &mut |key, reader| {
        match key {
            "__typename" => name = Some(String::read(reader)?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    member(name, "__typename")
}
