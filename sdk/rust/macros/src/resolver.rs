//! Functions marked as resolvers.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Item, ItemFn, LitStr, Meta, Pat, ReturnType, Signature};

use crate::names;
use crate::schema::{Field, Kind, Owner, Root, Schema};
use crate::types::{Types, named_type};

/// A resolver and the field that it is for.
pub(crate) struct Marked<'s> {
    pub(crate) function: Signature,
    pub(crate) owner: Owner<'s>,
    pub(crate) field: &'s Field,
}

/// The attribute that marks resolvers of fields of object types.
const FIELD: &str = "field";

/// Finds the marked functions, and takes their marks away.
pub(crate) fn take<'s>(items: &mut [Item], schema: &'s Schema) -> (Vec<Marked<'s>>, Vec<Error>) {
    let (mut marked, mut errors): (Vec<Marked>, _) = (Vec::new(), Vec::new());
    for item in items {
        let Item::Fn(function) = item else { continue };
        let Some((root, mark)) = mark(function) else {
            continue;
        };
        let found = match root {
            Some(root) => find(root, &mark, &function.sig, schema),
            None => find_in_object(&mark, schema),
        };
        match found {
            Ok((owner, field)) if marked.iter().any(|m| m.resolves(owner, field)) => {
                let message = format!("{}.{} has two resolvers", owner.name(), field.name);
                errors.push(Error::new(function.sig.ident.span(), message));
            }
            Ok((owner, field)) => marked.push(Marked {
                function: function.sig.clone(),
                owner,
                field,
            }),
            Err(error) => errors.push(error),
        }
    }
    (marked, errors)
}

/// The fields of object types among them, by type and name.
pub(crate) fn in_objects<'s>(marked: &[Marked<'s>]) -> BTreeSet<(&'s str, &'s str)> {
    let in_object = |m: &Marked<'s>| match m.owner {
        Owner::Object(name) => Some((name, m.field.name.as_str())),
        Owner::Root(_) => None,
    };
    marked.iter().filter_map(in_object).collect()
}

/// Takes the mark off a function, where it has one. Without a root it is the
/// mark of a field of an object type.
fn mark(function: &mut ItemFn) -> Option<(Option<Root>, Attribute)> {
    let root_of = |a: &Attribute| {
        Root::ALL
            .into_iter()
            .find(|r| a.path().is_ident(r.attribute()))
    };
    let is_mark = |a: &Attribute| a.path().is_ident(FIELD) || root_of(a).is_some();
    let index = function.attrs.iter().position(is_mark)?;
    let mark = function.attrs.remove(index);
    // How many parameters it has, and of what types, is the schema's to say.
    function
        .attrs
        .push(syn::parse_quote!(#[allow(clippy::too_many_arguments, clippy::type_complexity)]));
    Some((root_of(&mark), mark))
}

fn find<'s>(
    root: Root,
    mark: &Attribute,
    function: &Signature,
    schema: &'s Schema,
) -> syn::Result<(Owner<'s>, &'s Field)> {
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
    match fields.iter().find(fits) {
        Some(field) => Ok((Owner::Root(root), field)),
        None => {
            let wanted = wanted.unwrap_or_else(|| names::camel(&names::text(ident)));
            Err(unknown(root.name(), &wanted, fields, span))
        }
    }
}

/// The field that `#[field("Order.customer")]` names.
fn find_in_object<'s>(mark: &Attribute, schema: &'s Schema) -> syn::Result<(Owner<'s>, &'s Field)> {
    let unnamed = || {
        let message = "say which field is meant: #[field(\"Order.customer\")]";
        Error::new(mark.span(), message)
    };
    let name: LitStr = mark.parse_args().map_err(|_| unnamed())?;
    let (text, span) = (name.value(), name.span());
    let (owner, wanted) = text.split_once('.').ok_or_else(unnamed)?;
    let refuse = |message: String| Err(Error::new(span, message));
    if let Some(root) = Root::ALL.into_iter().find(|root| root.name() == owner) {
        let mark = root.attribute();
        return refuse(format!("mark resolvers of {owner} with #[{mark}]"));
    }
    let Some(definition) = schema.get(owner) else {
        return refuse(format!("the schema declares no type {owner}"));
    };
    let Kind::Object { fields, .. } = &definition.kind else {
        let word = definition.kind.word();
        return refuse(format!(
            "{owner} is {word}; only fields of a type have resolvers"
        ));
    };
    match fields.iter().find(|field| field.name == wanted) {
        Some(field) => Ok((Owner::Object(&definition.name), field)),
        None => Err(unknown(owner, wanted, fields, span)),
    }
}

fn unknown(owner: &str, wanted: &str, fields: &[Field], span: Span) -> Error {
    let there = listed(fields);
    let message =
        format!("the schema declares no field {owner}.{wanted}; of {owner} it declares: {there}");
    Error::new(span, message)
}

/// The names of fields or arguments.
fn listed(fields: &[Field]) -> String {
    if fields.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
    names.join(", ")
}

impl Marked<'_> {
    pub(crate) fn resolves(&self, owner: Owner, field: &Field) -> bool {
        self.owner == owner && self.field.name == field.name
    }

    /// The marker by which tests name the resolver, and the export.
    pub(crate) fn expand(&self, types: &Types) -> syn::Result<TokenStream> {
        self.plain()?;
        let function = &self.function.ident;
        let name = format!("{}.{}", self.owner.name(), self.field.name);
        // What its parameters may be.
        let class = match self.owner {
            Owner::Root(Root::Query) => None,
            Owner::Root(root) => Some(Ident::new(root.name(), function.span())),
            Owner::Object(_) => Some(Ident::new("Batched", function.span())),
        };
        let class = class.map(|class| quote!(impl ::runnel::guest::#class for #function {}));
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

            #class

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
            return Err(Error::new(function.span(), self.returns()));
        };
        let inputs: syn::Result<Vec<_>> = self
            .function
            .inputs
            .iter()
            .map(|i| self.input(i, types))
            .collect();
        let (inputs, declared) = (inputs?, types.ty(&self.field.ty));
        let run = match self.owner {
            Owner::Root(_) => quote!(run),
            Owner::Object(_) => quote!(run_batch),
        };
        Ok(quote_spanned! { returned.span() =>
            ::runnel::guest::#run::<#declared, _>(|| #function(#(#inputs),*))
        })
    }

    fn returns(&self) -> &'static str {
        match self.owner {
            Owner::Root(_) => "a resolver returns an Outcome",
            Owner::Object(_) => "a resolver of a field of an object type returns a Resolved",
        }
    }

    fn input(&self, input: &FnArg, types: &Types) -> syn::Result<TokenStream> {
        let FnArg::Typed(input) = input else {
            return Err(Error::new(input.span(), "a resolver has no self"));
        };
        let (marker, ty) = (&self.function.ident, &input.ty);
        let open = quote_spanned!(ty.span() => ::runnel::guest::open::<#marker, #ty>(""));
        if let (true, Owner::Object(parent)) = (is_named(ty, "Parents"), self.owner) {
            let parent = named_type(parent);
            return Ok(quote_spanned! { ty.span() => {
                ::runnel::guest::parents_of::<#parent, #ty>();
                #open
            }});
        }
        if !is_named(ty, "Argument") {
            return Ok(open);
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
            let message = format!(
                "{}.{} has no argument {}; it declares: {}",
                self.owner.name(),
                self.field.name,
                names::camel(wanted),
                listed(arguments),
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

fn is_named(ty: &syn::Type, name: &str) -> bool {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().is_some_and(|s| s.ident == name),
        _ => false,
    }
}
