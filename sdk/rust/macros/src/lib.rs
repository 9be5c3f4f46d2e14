//! The macros of the crate `runnel`, which exports them again. Use that one.

mod derive;
mod members;
mod module;
mod names;
mod resolver;
mod schema;
mod types;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a Runnel module of a Rust module and a schema file.
///
/// The path is relative to the directory of the crate's `Cargo.toml`. Every type
/// of the schema becomes a type of the Rust module; every field of
/// `Subscription`, `Query` and `Mutation` needs one function in it, named as the
/// field in snake case, and marked `#[subscription]`, `#[query]` or
/// `#[mutation]`. Where the name will not do, say which field is meant:
/// `#[query("order")]`.
///
/// Such a function takes what it needs, in any order: `Event<T>` (Subscription),
/// `Bus` (Mutation), `Context`, and by their names in snake case, the field's
/// arguments, as `Argument<T>`. It returns `Outcome<T>`.
///
/// A field of another type may have a function, too, marked
/// `#[field("Order.customer")]`, which resolves it for many parents at once. It
/// takes `Parents<Order>`, `Context` and arguments, and returns `Resolved<T>`.
/// The field is then no member of the struct `Order`.
///
/// | in the schema | in Rust |
/// |---|---|
/// | `Int`, `Float`, `Boolean`, `String`, `ID` | `i32`, `f64`, `bool`, `String`, `runnel::Id` |
/// | `T`, `T!` | `Option<T>`, `T` |
/// | `[T!]!` | `Vec<T>` |
/// | a type or input | a struct; fields in snake case; `Box` where it holds itself |
/// | an enum | an enum; `IN_STOCK` is `InStock` |
/// | a union or interface | an enum with a variant per type |
/// | a scalar | the module's own type of that name; `runnel::Json` where there is none |
#[proc_macro_attribute]
pub fn module(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let path = parse_macro_input!(attribute as syn::LitStr);
    let item = parse_macro_input!(item as syn::ItemMod);
    module::expand(&path, item).into()
}

/// Reads a struct from a JSON object: for payloads, claims and configs that are
/// no type of the schema. Members are named in camel case, or as
/// `#[json("name")]` says; others are ignored.
#[proc_macro_derive(FromJson, attributes(json))]
pub fn from_json(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    derive::expand(&item, derive::from_json).into()
}

/// Writes a struct as a JSON object. Members are named as for `FromJson`; those
/// that are null are left out.
#[proc_macro_derive(ToJson, attributes(json))]
pub fn to_json(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    derive::expand(&item, members::to_json).into()
}
