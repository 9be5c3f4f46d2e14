//! The schema's types as Rust types.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;

use crate::members::{self, Member};
use crate::names;
use crate::schema::{Definition, Field, Kind, Schema, Shape, Type, Value};

/// Writes Rust types for a schema.
pub(crate) struct Types<'s> {
    schema: &'s Schema,
    /// Names of scalars for which the module has a type of its own.
    own: &'s BTreeSet<String>,
    /// Fields with a resolver of their own, by type and name: no value of the
    /// type holds them.
    resolved: BTreeSet<(&'s str, &'s str)>,
    /// Types that have `Default`.
    defaults: BTreeSet<&'s str>,
}

impl<'s> Types<'s> {
    pub(crate) fn new(
        schema: &'s Schema,
        own: &'s BTreeSet<String>,
        resolved: BTreeSet<(&'s str, &'s str)>,
    ) -> Self {
        let mut types = Types {
            schema,
            own,
            resolved,
            defaults: BTreeSet::new(),
        };
        // Each round can only find more; no type that needs itself is found.
        loop {
            let more = schema.definitions.iter().filter(|d| types.has_default(d));
            let more: BTreeSet<&str> = more.map(|d| d.name.as_str()).collect();
            if more.len() == types.defaults.len() {
                return types;
            }
            types.defaults = more;
        }
    }

    /// The fields that values of a type hold.
    fn held<'d>(&self, definition: &'d Definition) -> impl Iterator<Item = &'d Field> {
        let owner = definition.name.as_str();
        let resolved = |f: &&Field| self.resolved.contains(&(owner, f.name.as_str()));
        definition
            .kind
            .fields()
            .iter()
            .filter(move |f| !resolved(f))
    }

    fn has_default(&self, definition: &Definition) -> bool {
        let plain = |ty: &Type| ty.nullable || ty.single().is_none_or(|name| self.defaulted(name));
        match &definition.kind {
            Kind::Input(_) | Kind::Object { .. } => self.held(definition).all(|f| plain(&f.ty)),
            Kind::Scalar => !self.own.contains(&definition.name),
            _ => false,
        }
    }

    fn defaulted(&self, name: &str) -> bool {
        self.schema.get(name).is_none() || self.defaults.contains(name)
    }

    /// The Rust type of a field, an argument or a variable.
    pub(crate) fn ty(&self, ty: &Type) -> TokenStream {
        self.wrapped(ty, false)
    }

    fn wrapped(&self, ty: &Type, boxed: bool) -> TokenStream {
        let inner = match &ty.shape {
            Shape::List(element) => {
                let element = self.ty(element);
                quote!(::std::vec::Vec<#element>)
            }
            Shape::Named(named) => {
                let name = named_type(&named.name);
                if boxed {
                    quote!(::std::boxed::Box<#name>)
                } else {
                    name
                }
            }
        };
        if ty.nullable {
            quote!(::core::option::Option<#inner>)
        } else {
            inner
        }
    }

    /// All types that the module needs.
    pub(crate) fn all(&self) -> TokenStream {
        let definitions = self.schema.definitions.iter().filter(|d| !d.is_root());
        definitions.map(|d| self.definition(d)).collect()
    }

    fn definition(&self, definition: &'s Definition) -> TokenStream {
        match &definition.kind {
            Kind::Scalar if self.own.contains(&definition.name) => TokenStream::new(),
            Kind::Scalar => scalar(definition),
            Kind::Enum(values) => enumeration(definition, values),
            Kind::Input(_) => self.structure(definition),
            Kind::Object { .. } => {
                let (structure, ident) =
                    (self.structure(definition), names::ident(&definition.name));
                quote!(#structure impl ::runnel::guest::Parent<#ident> for #ident {})
            }
            Kind::Union(members) => choice(
                definition,
                members.iter().map(|m| m.name.as_str()).collect(),
            ),
            Kind::Interface(_) => choice(definition, self.implementors(&definition.name)),
        }
    }

    fn implementors(&self, interface: &str) -> Vec<&'s str> {
        let implements = |d: &&Definition| match &d.kind {
            Kind::Object { interfaces, .. } => interfaces.iter().any(|i| i.name == interface),
            _ => false,
        };
        let found = self.schema.definitions.iter().filter(implements);
        found.map(|d| d.name.as_str()).collect()
    }

    fn structure(&self, definition: &'s Definition) -> TokenStream {
        let name = &definition.name;
        let fields: Vec<&Field> = self.held(definition).collect();
        let ident = names::ident(name);
        let docs = fields.iter().map(|f| doc(f.description.as_deref()));
        let members: Vec<Member> = fields.iter().map(|f| self.member(name, f)).collect();
        let (idents, types): (Vec<_>, Vec<_>) = members.iter().map(|m| (&m.ident, &m.ty)).unzip();
        let default = self
            .defaults
            .contains(name.as_str())
            .then(|| quote!(Default,));
        let head = head(definition);
        let from_json = members::from_json(&ident, name, &members);
        let to_json = members::to_json(&ident, name, &members);
        quote! {
            #head
            #[derive(Clone, Debug, #default PartialEq)]
            pub struct #ident { #(#docs pub #idents: #types,)* }
            #from_json
            #to_json
        }
    }

    fn member(&self, owner: &str, field: &'s Field) -> Member {
        let boxed = field
            .ty
            .single()
            .is_some_and(|name| self.holds(name, owner));
        Member {
            ident: names::ident(&names::snake(&field.name)),
            name: field.name.clone(),
            ty: self.wrapped(&field.ty, boxed),
        }
    }

    /// Whether a value of `outer` lies, without a list between, in one of
    /// `inner` or is one.
    fn holds(&self, inner: &'s str, outer: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![inner];
        while let Some(name) = open.pop() {
            if name == outer {
                return true;
            }
            if seen.insert(name) {
                open.extend(self.direct_parts(name));
            }
        }
        false
    }

    fn direct_parts(&self, name: &str) -> Vec<&'s str> {
        let Some(definition) = self.schema.get(name) else {
            return Vec::new();
        };
        match &definition.kind {
            Kind::Input(_) | Kind::Object { .. } => self
                .held(definition)
                .filter_map(|f| f.ty.single())
                .collect(),
            Kind::Union(members) => members.iter().map(|m| m.name.as_str()).collect(),
            Kind::Interface(_) => self.implementors(name),
            _ => Vec::new(),
        }
    }
}

/// The Rust type of a type by its name.
pub(crate) fn named_type(name: &str) -> TokenStream {
    match name {
        "Int" => quote!(i32),
        "Float" => quote!(f64),
        "Boolean" => quote!(bool),
        "String" => quote!(::std::string::String),
        "ID" => quote!(::runnel::Id),
        _ => {
            let ident = names::ident(name);
            quote!(#ident)
        }
    }
}

fn doc(text: Option<&str>) -> Option<TokenStream> {
    text.map(|text| quote!(#[doc = #text]))
}

/// The attributes of every generated type.
fn head(definition: &Definition) -> TokenStream {
    let doc = doc(definition.description.as_deref());
    quote! {
        #doc
        #[allow(dead_code, missing_docs, non_camel_case_types, non_snake_case)]
    }
}

fn scalar(definition: &Definition) -> TokenStream {
    let (head, ident) = (head(definition), names::ident(&definition.name));
    quote!(#head pub type #ident = ::runnel::Json;)
}

fn enumeration(definition: &Definition, values: &[Value]) -> TokenStream {
    let (head, name) = (head(definition), &definition.name);
    let ident = names::ident(name);
    let what = format!("a value of {name}");
    let docs = values.iter().map(|v| doc(v.description.as_deref()));
    let names: Vec<&String> = values.iter().map(|v| &v.name).collect();
    let variants: Vec<_> = values
        .iter()
        .map(|v| names::ident(&names::pascal(&v.name)))
        .collect();
    quote! {
        #head
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum #ident { #(#docs #variants,)* }

        #[allow(dead_code)]
        impl #ident {
            /// All values, in the order of the schema.
            pub const ALL: &'static [Self] = &[#(Self::#variants,)*];

            /// The value's name in the schema.
            pub fn as_str(self) -> &'static str {
                match self { #(Self::#variants => #names,)* }
            }
        }

        impl ::core::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::runnel::json::FromJson for #ident {
            fn read(
                reader: &mut ::runnel::json::Reader<'_>,
            ) -> ::core::result::Result<Self, ::runnel::json::Mismatch> {
                match &*reader.string(#name)? {
                    #(#names => ::core::result::Result::Ok(Self::#variants),)*
                    other => ::core::result::Result::Err(
                        ::runnel::json::Mismatch::not(other, #what),
                    ),
                }
            }
        }

        impl ::runnel::json::ToJson for #ident {
            fn write(&self, writer: &mut ::runnel::json::Writer) {
                writer.string(self.as_str());
            }
        }
    }
}

/// A union or interface: one of several types, told apart by `__typename`.
fn choice(definition: &Definition, members: Vec<&str>) -> TokenStream {
    let (head, name) = (head(definition), &definition.name);
    let ident = names::ident(name);
    let what = format!("a type of {name}");
    let types: Vec<_> = members.iter().map(|m| names::ident(m)).collect();
    quote! {
        #head
        #[derive(Clone, Debug, PartialEq)]
        pub enum #ident { #(#types(#types),)* }

        #(impl ::core::convert::From<#types> for #ident {
            fn from(value: #types) -> Self {
                Self::#types(value)
            }
        })*

        impl ::runnel::json::FromJson for #ident {
            fn read(
                reader: &mut ::runnel::json::Reader<'_>,
            ) -> ::core::result::Result<Self, ::runnel::json::Mismatch> {
                match ::runnel::guest::type_name(reader, #name)?.as_str() {
                    #(#members => {
                        ::runnel::json::FromJson::read(reader).map(Self::#types)
                    })*
                    other => ::core::result::Result::Err(
                        ::runnel::json::Mismatch::not(other, #what),
                    ),
                }
            }
        }

        impl ::runnel::json::ToJson for #ident {
            fn write(&self, writer: &mut ::runnel::json::Writer) {
                match self {
                    #(Self::#types(value) => {
                        ::runnel::guest::write_typed(writer, #members, value);
                    })*
                }
            }
        }
    }
}
