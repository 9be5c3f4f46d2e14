//! Functions marked as resolvers.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Item, ItemFn, LitStr, Meta, Pat, ReturnType, Signature};

use crate::names;
use crate::schema::{Field, Root, Schema};
use crate::types::Types;

/// A resolver and the field that it is for.
pub(crate) struct Marked<'s> {
    pub(crate) function: Signature,
    root: Root,
    field: &'s Field,
}

/// Finds the marked functions, and takes their marks away.
pub(crate) fn take<'s>(items: &mut [Item], schema: &'s Schema) -> (Vec<Marked<'s>>, Vec<Error>) {
    let (mut marked, mut errors): (Vec<Marked>, _) = (Vec::new(), Vec::new());
    for item in items {
        let Item::Fn(function) = item else { continue };
        let Some((root, mark)) = mark(function) else {
            continue;
        };
        match find(root, &mark, &function.sig, schema) {
            Ok(field) if marked.iter().any(|m| m.resolves(root, field)) => {
                let message = format!("{}.{} has two resolvers", root.name(), field.name);
                errors.push(Error::new(function.sig.ident.span(), message));
            }
            Ok(field) => marked.push(Marked {
                function: function.sig.clone(),
                root,
                field,
            }),
            Err(error) => errors.push(error),
        }
    }
    (marked, errors)
}

/// Takes the mark off a function, where it has one.
fn mark(function: &mut ItemFn) -> Option<(Root, Attribute)> {
    let root_of = |a: &Attribute| {
        Root::ALL
            .into_iter()
            .find(|r| a.path().is_ident(r.attribute()))
    };
    let index = function.attrs.iter().position(|a| root_of(a).is_some())?;
    let mark = function.attrs.remove(index);
    // How many parameters it has, and of what types, is the schema's to say.
    function
        .attrs
        .push(syn::parse_quote!(#[allow(clippy::too_many_arguments, clippy::type_complexity)]));
    Some((root_of(&mark)?, mark))
}

fn find<'s>(
    root: Root,
    mark: &Attribute,
    function: &Signature,
    schema: &'s Schema,
) -> syn::Result<&'s Field> {
    let fields = schema.root(root);
    let ident = &function.ident;
    let (wanted, span) = match &mark.meta {
        Meta::Path(_) => (None, ident.span()),
        _ => {
            let name: LitStr = mark.parse_args()?;
            (Some(name.value()), name.span())
        }
    };
    let fits = |field: &&Field| match &wanted {
        Some(name) => field.name == *name,
        None => names::snake(&field.name) == names::text(ident),
    };
    fields.iter().find(fits).ok_or_else(|| {
        let wanted = wanted
            .clone()
            .unwrap_or_else(|| names::camel(&names::text(ident)));
        let declared: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
        let there = match declared.is_empty() {
            true => "none".to_owned(),
            false => declared.join(", "),
        };
        let message = format!(
            "the schema declares no field {}.{wanted}; of {0} it declares: {there}",
            root.name(),
        );
        Error::new(span, message)
    })
}

impl Marked<'_> {
    pub(crate) fn resolves(&self, root: Root, field: &Field) -> bool {
        self.root == root && self.field.name == field.name
    }

    /// The marker by which tests name the resolver, and the export.
    pub(crate) fn expand(&self, types: &Types) -> syn::Result<TokenStream> {
        self.plain()?;
        let function = &self.function.ident;
        let name = format!("{}.{}", self.root.name(), self.field.name);
        let root = Ident::new(self.root.name(), function.span());
        let root = match self.root {
            Root::Query => None,
            _ => Some(quote!(impl ::runnel::guest::#root for #function {})),
        };
        let arguments = self.field.arguments.iter().map(|argument| {
            let name = &argument.name;
            match &argument.default {
                Some(json) => quote!((#name, ::core::option::Option::Some(#json))),
                None => quote!((#name, ::core::option::Option::None)),
            }
        });
        let call = self.call(types)?;
        Ok(quote! {
            #[doc(hidden)]
            #[allow(dead_code, missing_docs, non_camel_case_types)]
            pub enum #function {}

            #root

            const _: () = {
                #[allow(clippy::redundant_closure)]
                fn call() -> i32 {
                    #call
                }

                #[cfg(target_arch = "wasm32")]
                #[unsafe(export_name = #name)]
                extern "C" fn export() -> i32 {
                    call()
                }

                impl ::runnel::guest::Field for #function {
                    const RESOLVER: ::runnel::guest::Resolver = ::runnel::guest::Resolver {
                        name: #name,
                        arguments: &[#(#arguments,)*],
                        call,
                    };
                }
            };
        })
    }

    /// The call of the function, every type error in it at the author's types.
    fn call(&self, types: &Types) -> syn::Result<TokenStream> {
        let function = &self.function.ident;
        let ReturnType::Type(_, returned) = &self.function.output else {
            let message = "a resolver returns an Outcome";
            return Err(Error::new(function.span(), message));
        };
        let inputs: syn::Result<Vec<_>> = self
            .function
            .inputs
            .iter()
            .map(|i| self.input(i, types))
            .collect();
        let (inputs, declared) = (inputs?, types.ty(&self.field.ty));
        Ok(quote_spanned! { returned.span() =>
            ::runnel::guest::run::<#declared, _>(|| #function(#(#inputs),*))
        })
    }

    fn input(&self, input: &FnArg, types: &Types) -> syn::Result<TokenStream> {
        let FnArg::Typed(input) = input else {
            return Err(Error::new(input.span(), "a resolver has no self"));
        };
        let (marker, ty) = (&self.function.ident, &input.ty);
        if !is_argument(ty) {
            return Ok(quote_spanned!(ty.span() => ::runnel::guest::open::<#marker, #ty>("")));
        }
        let Pat::Ident(pattern) = &*input.pat else {
            let message = "an argument is a plain name, by which it is known";
            return Err(Error::new(input.pat.span(), message));
        };
        let field = self.argument(&pattern.ident)?;
        let (name, declared) = (&field.name, types.ty(&field.ty));
        Ok(quote_spanned! { ty.span() => {
            ::runnel::guest::declared::<#declared, #ty>();
            ::runnel::guest::open::<#marker, #ty>(#name)
        }})
    }

    /// The field's argument that a parameter is named after.
    fn argument(&self, parameter: &Ident) -> syn::Result<&Field> {
        let text = names::text(parameter);
        let wanted = text.trim_start_matches('_');
        let arguments = &self.field.arguments;
        let found = arguments
            .iter()
            .find(|a| names::snake(&a.name).trim_start_matches('_') == wanted);
        found.ok_or_else(|| {
            let declared: Vec<&str> = arguments.iter().map(|a| a.name.as_str()).collect();
            let there = match declared.is_empty() {
                true => "none".to_owned(),
                false => declared.join(", "),
            };
            let message = format!(
                "{}.{} has no argument {}; it declares: {there}",
                self.root.name(),
                self.field.name,
                names::camel(wanted),
            );
            Error::new(parameter.span(), message)
        })
    }

    /// Refuses functions that are more than functions.
    fn plain(&self) -> syn::Result<()> {
        let signature = &self.function;
        let refused = if let Some(token) = &signature.asyncness {
            Some((token.span(), "async: a resolver waits for nothing"))
        } else if !signature.generics.params.is_empty() {
            Some((
                signature.generics.span(),
                "generic: its types are the schema's",
            ))
        } else {
            None
        };
        match refused {
            Some((span, what)) => Err(Error::new(span, format!("a resolver cannot be {what}"))),
            None => Ok(()),
        }
    }
}

fn is_argument(ty: &syn::Type) -> bool {
    match ty {
        syn::Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|s| s.ident == "Argument"),
        _ => false,
    }
}
