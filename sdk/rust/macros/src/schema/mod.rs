//! A schema file, as far as Rust code needs to know it.

mod check;
mod convert;
mod parse;
mod value;

pub(crate) use parse::parse;

use std::collections::BTreeMap;
use std::fmt;

/// A place in the schema file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Something wrong with the schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// The definitions of a file, extensions merged into what they extend.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// In the order of the file.
    pub(crate) definitions: Vec<Definition>,
    by_name: BTreeMap<String, usize>,
}

impl Schema {
    pub(crate) fn get(&self, name: &str) -> Option<&Definition> {
        self.by_name.get(name).map(|i| &self.definitions[*i])
    }

    /// The fields of a root type; none where it is not declared.
    pub(crate) fn root(&self, root: Root) -> &[Field] {
        match self.get(root.name()).map(|d| &d.kind) {
            Some(Kind::Object { fields, .. }) => fields,
            _ => &[],
        }
    }
}

/// The root types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Query,
    Mutation,
    Subscription,
}

impl Root {
    pub(crate) const ALL: [Root; 3] = [Root::Query, Root::Mutation, Root::Subscription];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Root::Query => "Query",
            Root::Mutation => "Mutation",
            Root::Subscription => "Subscription",
        }
    }

    /// The attribute that marks its resolvers.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Root::Query => "query",
            Root::Mutation => "mutation",
            Root::Subscription => "subscription",
        }
    }
}

/// The type that a resolver's field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner<'s> {
    Root(Root),
    Object(&'s str),
}

impl<'s> Owner<'s> {
    pub(crate) fn name(self) -> &'s str {
        match self {
            Owner::Root(root) => root.name(),
            Owner::Object(name) => name,
        }
    }
}

/// A type of the schema.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

impl Definition {
    pub(crate) fn is_root(&self) -> bool {
        Root::ALL.iter().any(|root| root.name() == self.name)
    }
}

#[derive(Debug)]
pub(crate) enum Kind {
    Scalar,
    Enum(Vec<Value>),
    Input(Vec<Field>),
    Object {
        fields: Vec<Field>,
        interfaces: Vec<Named>,
    },
    Interface(Vec<Field>),
    Union(Vec<Named>),
}

impl Kind {
    /// The kind as messages name it, with its article.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Kind::Scalar => "a scalar",
            Kind::Enum(_) => "an enum",
            Kind::Input(_) => "an input",
            Kind::Object { .. } => "a type",
            Kind::Interface(_) => "an interface",
            Kind::Union(_) => "a union",
        }
    }

    /// The fields of a type, an interface or an input.
    pub(crate) fn fields(&self) -> &[Field] {
        match self {
            Kind::Input(fields) | Kind::Interface(fields) | Kind::Object { fields, .. } => fields,
            _ => &[],
        }
    }
}

/// A value of an enum.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) place: Place,
}

/// A field of a type or an input, or an argument of a field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) place: Place,
    pub(crate) ty: Type,
    pub(crate) arguments: Vec<Field>,
    /// The default, as JSON.
    pub(crate) default: Option<String>,
}

/// A reference to a type by its name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) shape: Shape,
    pub(crate) nullable: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Named(Named),
    List(Box<Type>),
}

impl Type {
    /// The type without its lists.
    pub(crate) fn innermost(&self) -> &Named {
        match &self.shape {
            Shape::Named(named) => named,
            Shape::List(element) => element.innermost(),
        }
    }

    /// The type's name, unless it is a list.
    pub(crate) fn single(&self) -> Option<&str> {
        match &self.shape {
            Shape::Named(named) => Some(&named.name),
            Shape::List(_) => None,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            Shape::Named(named) => f.write_str(&named.name)?,
            Shape::List(element) => write!(f, "[{element}]")?,
        }
        f.write_str(if self.nullable { "" } else { "!" })
    }
}

/// The scalars that every schema has.
pub(crate) const SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];
