//! `#[derive(FromJson, ToJson)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, LitStr};

use crate::members::{self, Member};
use crate::names;

/// Writes an impl for a struct: its identifier, its name and its members.
type Impl = fn(&Ident, &str, &[Member]) -> TokenStream;

/// `impl FromJson`, for payloads, configs and parents of any type.
pub(crate) fn from_json(ident: &Ident, name: &str, members: &[Member]) -> TokenStream {
    let read = members::from_json(ident, name, members);
    quote!(#read impl<P> ::runnel::guest::Parent<P> for #ident {})
}

pub(crate) fn expand(item: &DeriveInput, write: Impl) -> TokenStream {
    match members(item) {
        Ok(members) => write(&item.ident, &names::text(&item.ident), &members),
        Err(error) => error.into_compile_error(),
    }
}

fn members(item: &DeriveInput) -> syn::Result<Vec<Member>> {
    if !item.generics.params.is_empty() {
        let message = "this derive works for structs without type parameters or lifetimes";
        return Err(Error::new(item.generics.span(), message));
    }
    match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().map(member).collect(),
            _ => Err(unnamed(&item.ident)),
        },
        _ => Err(unnamed(&item.ident)),
    }
}

fn unnamed(ident: &Ident) -> Error {
    Error::new(
        ident.span(),
        "this derive works for structs with named fields",
    )
}

fn member(field: &Field) -> syn::Result<Member> {
    let Some(ident) = field.ident.clone() else {
        return Err(Error::new(field.span(), "a field without a name"));
    };
    let mut name = names::camel(&names::text(&ident));
    for attribute in &field.attrs {
        if attribute.path().is_ident("json") {
            name = attribute.parse_args::<LitStr>()?.value();
        }
    }
    Ok(Member {
        ident,
        name,
        ty: field.ty.to_token_stream(),
    })
}
