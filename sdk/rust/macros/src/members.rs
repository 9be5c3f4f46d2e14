//! Structs as JSON objects: what generated and derived types have in common.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

/// A field of a struct.
pub(crate) struct Member {
    pub(crate) ident: Ident,
    /// The member's name in JSON.
    pub(crate) name: String,
    pub(crate) ty: TokenStream,
}

/// `impl FromJson`. `name` is what messages call the type.
pub(crate) fn from_json(ident: &Ident, name: &str, members: &[Member]) -> TokenStream {
    let numbered = members.iter().enumerate();
    let slots: Vec<Ident> = numbered
        .map(|(i, m)| format_ident!("read_{i}", span = m.ty.span()))
        .collect();
    let types = members.iter().map(|m| &m.ty);
    let read = members.iter().map(|m| {
        let ty = &m.ty;
        // A type that cannot be read is an error where it stands.
        quote_spanned!(ty.span() => <#ty as ::runnel::json::FromJson>::read(reader)?)
    });
    let names: Vec<&String> = members.iter().map(|m| &m.name).collect();
    let finished = members.iter().zip(&slots).map(|(m, slot)| {
        let (ident, name) = (&m.ident, &m.name);
        quote_spanned!(m.ty.span() => #ident: ::runnel::guest::member(#slot, #name)?)
    });
    quote! {
        impl ::runnel::json::FromJson for #ident {
            fn read(
                reader: &mut ::runnel::json::Reader<'_>,
            ) -> ::core::result::Result<Self, ::runnel::json::Mismatch> {
                #(let mut #slots: ::core::option::Option<#types> = ::core::option::Option::None;)*
                reader.object(#name, &mut |key, reader| {
                    match key {
                        #(#names => {
                            #slots = ::core::option::Option::Some(#read);
                        })*
                        _ => reader.skip()?,
                    }
                    ::core::result::Result::Ok(())
                })?;
                ::core::result::Result::Ok(Self { #(#finished,)* })
            }
        }
    }
}

/// `impl ToJson`, and `Members`, by which a union writes the object with its
/// type's name.
pub(crate) fn to_json(ident: &Ident, _: &str, members: &[Member]) -> TokenStream {
    let names = members.iter().map(|m| &m.name);
    let idents = members.iter().map(|m| &m.ident);
    quote! {
        impl ::runnel::guest::Members for #ident {
            fn members(&self, object: &mut ::runnel::json::Object<'_>) {
                #(object.member(#names, &self.#idents);)*
            }
        }

        impl ::runnel::json::ToJson for #ident {
            fn write(&self, writer: &mut ::runnel::json::Writer) {
                ::runnel::guest::Members::members(self, &mut writer.object());
            }
        }
    }
}
