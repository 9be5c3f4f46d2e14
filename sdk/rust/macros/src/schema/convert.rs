//! From syntax nodes to definitions. A part that is missing gives `None`; the
//! parser has told of it by then.

use apollo_parser::SyntaxNode;
use apollo_parser::cst::{self, CstNode, Definition as D};

use super::value::json;
use super::{Definition, Field, Kind, Named, Place, Shape, Type, Value};

/// A file's text and where its lines begin.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(i, _)| i + 1);
        Lines {
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The place of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        Place {
            line,
            column: before.chars().count() + 1,
        }
    }

    pub(super) fn place_of(&self, node: &SyntaxNode) -> Place {
        self.place(node.text_range().start().into())
    }

    pub(super) fn definition(&self, node: &D) -> Option<Definition> {
        let (description, kind) = match node {
            D::ScalarTypeDefinition(d) => (d.description(), Kind::Scalar),
            D::EnumTypeDefinition(d) => (d.description(), self.values(d.enum_values_definition())),
            D::InputObjectTypeDefinition(d) => {
                (d.description(), self.inputs(d.input_fields_definition()))
            }
            D::ObjectTypeDefinition(d) => (
                d.description(),
                self.object(d.fields_definition(), d.implements_interfaces()),
            ),
            D::InterfaceTypeDefinition(d) => {
                let fields = self.fields(d.fields_definition());
                (d.description(), Kind::Interface(fields))
            }
            D::UnionTypeDefinition(d) => (d.description(), self.union(d.union_member_types())),
            D::ScalarTypeExtension(_) => (None, Kind::Scalar),
            D::EnumTypeExtension(d) => (None, self.values(d.enum_values_definition())),
            D::InputObjectTypeExtension(d) => (None, self.inputs(d.input_fields_definition())),
            D::ObjectTypeExtension(d) => (
                None,
                self.object(d.fields_definition(), d.implements_interfaces()),
            ),
            D::InterfaceTypeExtension(d) => {
                (None, Kind::Interface(self.fields(d.fields_definition())))
            }
            D::UnionTypeExtension(d) => (None, self.union(d.union_member_types())),
            _ => return None,
        };
        let named = self.named(node.name()?);
        Some(Definition {
            name: named.name,
            place: named.place,
            description: text(description),
            kind,
        })
    }

    fn named(&self, name: cst::Name) -> Named {
        Named {
            name: name.text().to_string(),
            place: self.place_of(name.syntax()),
        }
    }

    fn named_types(&self, types: impl Iterator<Item = cst::NamedType>) -> Vec<Named> {
        types
            .filter_map(|ty| Some(self.named(ty.name()?)))
            .collect()
    }

    fn object(
        &self,
        fields: Option<cst::FieldsDefinition>,
        interfaces: Option<cst::ImplementsInterfaces>,
    ) -> Kind {
        let interfaces = interfaces.into_iter().flat_map(|i| i.named_types());
        Kind::Object {
            fields: self.fields(fields),
            interfaces: self.named_types(interfaces),
        }
    }

    fn union(&self, members: Option<cst::UnionMemberTypes>) -> Kind {
        Kind::Union(self.named_types(members.into_iter().flat_map(|m| m.named_types())))
    }

    fn values(&self, values: Option<cst::EnumValuesDefinition>) -> Kind {
        let values = values.into_iter().flat_map(|v| v.enum_value_definitions());
        let value = |value: cst::EnumValueDefinition| {
            let named = self.named(value.enum_value()?.name()?);
            Some(Value {
                name: named.name,
                place: named.place,
                description: text(value.description()),
            })
        };
        Kind::Enum(values.filter_map(value).collect())
    }

    fn inputs(&self, fields: Option<cst::InputFieldsDefinition>) -> Kind {
        let fields = fields.into_iter().flat_map(|f| f.input_value_definitions());
        Kind::Input(fields.filter_map(|field| self.input(field)).collect())
    }

    fn fields(&self, fields: Option<cst::FieldsDefinition>) -> Vec<Field> {
        let fields = fields.into_iter().flat_map(|f| f.field_definitions());
        fields.filter_map(|field| self.field(field)).collect()
    }

    fn field(&self, field: cst::FieldDefinition) -> Option<Field> {
        let arguments = field.arguments_definition().into_iter();
        let arguments = arguments.flat_map(|a| a.input_value_definitions());
        let named = self.named(field.name()?);
        Some(Field {
            name: named.name,
            place: named.place,
            description: text(field.description()),
            ty: self.ty(field.ty()?)?,
            arguments: arguments.filter_map(|a| self.input(a)).collect(),
            default: None,
        })
    }

    fn input(&self, input: cst::InputValueDefinition) -> Option<Field> {
        let named = self.named(input.name()?);
        Some(Field {
            name: named.name,
            place: named.place,
            description: text(input.description()),
            ty: self.ty(input.ty()?)?,
            arguments: Vec::new(),
            default: input.default_value().and_then(|d| json(&d.value()?)),
        })
    }

    fn ty(&self, ty: cst::Type) -> Option<Type> {
        let (shape, nullable) = match ty {
            cst::Type::NamedType(named) => (self.single(named)?, true),
            cst::Type::ListType(list) => (self.list(list)?, true),
            cst::Type::NonNullType(inner) => match (inner.named_type(), inner.list_type()) {
                (Some(named), _) => (self.single(named)?, false),
                (None, Some(list)) => (self.list(list)?, false),
                (None, None) => return None,
            },
        };
        Some(Type { shape, nullable })
    }

    fn single(&self, named: cst::NamedType) -> Option<Shape> {
        Some(Shape::Named(self.named(named.name()?)))
    }

    fn list(&self, list: cst::ListType) -> Option<Shape> {
        Some(Shape::List(Box::new(self.ty(list.ty()?)?)))
    }
}

fn text(description: Option<cst::Description>) -> Option<String> {
    Some(String::from(description?.string_value()?))
}
