//! `#[runnel::module("schema.graphql")]`.

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, Item, ItemMod, LitStr};

use crate::names;
use crate::resolver::{self, Marked};
use crate::schema::{self, Field, Owner, Root, Schema};
use crate::types::Types;

/// Expands the attribute. Every mistake becomes a compile error at the author's
/// line, or for the schema, at the attribute with the file's line and column.
pub(crate) fn expand(path: &LitStr, module: ItemMod) -> TokenStream {
    let file = match File::read(path) {
        Ok(file) => file,
        Err(error) => return error.into_compile_error(),
    };
    match file.expand(module) {
        Ok(tokens) => tokens,
        Err(error) => error.into_compile_error(),
    }
}

/// The schema file.
struct File {
    /// As the author wrote it.
    shown: String,
    absolute: PathBuf,
    text: String,
    span: Span,
}

impl File {
    fn read(path: &LitStr) -> syn::Result<File> {
        let directory = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
        let (shown, span) = (path.value(), path.span());
        let absolute = Path::new(&directory).join(&shown);
        let text = std::fs::read_to_string(&absolute)
            .map_err(|e| Error::new(span, format!("read {}: {e}", absolute.display())))?;
        Ok(File {
            shown,
            absolute,
            text,
            span,
        })
    }

    fn error(&self, problem: &schema::Problem) -> Error {
        let message = format!("{}:{}: {}", self.shown, problem.place, problem.message);
        Error::new(self.span, message)
    }

    fn expand(&self, mut module: ItemMod) -> syn::Result<TokenStream> {
        let Some((_, items)) = module.content.take() else {
            let message = "write the module here: mod name { … }";
            return Err(Error::new(module.ident.span(), message));
        };
        let schema = schema::parse(&self.text)
            .map_err(|problems| combined(problems.iter().map(|p| self.error(p))))?;
        let own = items.iter().filter_map(type_name).collect();
        let mut items = items;
        let (marked, mut errors) = resolver::take(&mut items, &schema);
        let types = Types::new(&schema, &own, resolver::in_objects(&marked));

        errors.extend(self.missing(&schema, &types, &marked));
        let resolvers: Vec<TokenStream> = marked
            .iter()
            .filter_map(|m| m.expand(&types).map_err(|e| errors.push(e)).ok())
            .collect();
        let markers: Vec<_> = marked.iter().map(|m| &m.function.ident).collect();
        let list = errors.is_empty().then(|| {
            quote! {
                /// The module's resolvers, for tests that go by name.
                #[allow(dead_code)]
                pub const RESOLVERS: &[::runnel::guest::Resolver] =
                    &[#(<#markers as ::runnel::guest::Field>::RESOLVER,)*];
            }
        });
        let errors = errors.iter().map(Error::to_compile_error);

        let ItemMod {
            attrs, vis, ident, ..
        } = &module;
        let (section, types) = (self.section(), types.all());
        Ok(quote! {
            #(#errors)*
            #(#attrs)*
            #vis mod #ident {
                #(#items)*
                #types
                #(#resolvers)*
                #list
                #section
            }
        })
    }

    /// The schema in the module's custom section. The compiler's knowledge of
    /// the file makes cargo build again when it changes.
    fn section(&self) -> TokenStream {
        let (path, size) = (self.absolute.to_string_lossy(), self.text.len());
        quote! {
            const _: () = {
                const TEXT: &[u8; #size] = ::core::include_bytes!(#path);
                #[cfg(target_arch = "wasm32")]
                #[used]
                #[unsafe(link_section = "runnel.schema")]
                static SCHEMA: [u8; #size] = *TEXT;
            };
        }
    }

    fn missing(&self, schema: &Schema, types: &Types, marked: &[Marked]) -> Vec<Error> {
        let mut errors = Vec::new();
        for root in Root::ALL {
            for field in schema.root(root) {
                if !marked.iter().any(|m| m.resolves(Owner::Root(root), field)) {
                    errors.push(self.error(&missing(root, field, types)));
                }
            }
        }
        errors
    }
}

fn missing(root: Root, field: &Field, types: &Types) -> schema::Problem {
    let ty = types.ty(&field.ty).to_string();
    let ty = ty
        .replace(":: std :: string :: ", "")
        .replace(":: runnel :: ", "");
    let ty = ty
        .replace(":: core :: option :: ", "")
        .replace(":: std :: vec :: ", "");
    schema::Problem {
        place: field.place,
        message: format!(
            "{}.{} has no resolver; write: #[{}] fn {}(…) -> Outcome<{}>",
            root.name(),
            field.name,
            root.attribute(),
            names::ident(&names::snake(&field.name)),
            ty.replace(' ', ""),
        ),
    }
}

/// The name of an item that can stand for a scalar.
fn type_name(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Enum(item) => Some(item.ident.to_string()),
        Item::Type(item) => Some(item.ident.to_string()),
        _ => None,
    }
}

fn combined(errors: impl Iterator<Item = Error>) -> Error {
    let combine = |mut all: Error, next| {
        all.combine(next);
        all
    };
    let nothing = || Error::new(Span::call_site(), "the schema cannot be used");
    errors.reduce(combine).unwrap_or_else(nothing)
}
