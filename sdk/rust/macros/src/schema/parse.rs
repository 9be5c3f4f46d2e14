//! From the file's text to its definitions.

use apollo_parser::Parser;
use apollo_parser::cst::{self, CstNode};

use super::convert::Lines;
use super::{Definition, Kind, Place, Problem, Schema, check};

/// How deep types and values may nest in the file.
const MAX_NESTING: usize = 64;

/// Parses and checks a schema file.
pub(crate) fn parse(text: &str) -> Result<Schema, Vec<Problem>> {
    let lines = Lines::new(text);
    let tree = Parser::new(text).recursion_limit(MAX_NESTING).parse();
    let errors: Vec<Problem> = tree
        .errors()
        .map(|e| Problem {
            place: lines.place(e.index()),
            message: syntax_message(e),
        })
        .collect();
    if let Some(first) = errors
        .into_iter()
        .min_by_key(|e| (e.place.line, e.place.column))
    {
        return Err(vec![first]); // what follows it is mostly its echo
    }
    let mut building = Building::default();
    let definitions = || tree.document().definitions();
    for definition in definitions().filter(|d| !d.is_extension_definition()) {
        building.add(&lines, definition);
    }
    for extension in definitions().filter(cst::Definition::is_extension_definition) {
        building.add(&lines, extension);
    }
    let mut problems = building.problems;
    check::check(&building.schema, &mut problems);
    if problems.is_empty() {
        Ok(building.schema)
    } else {
        problems.sort_by_key(|p| (p.place.line, p.place.column));
        Err(problems)
    }
}

/// The parser's message, tokens as they are written.
fn syntax_message(error: &apollo_parser::Error) -> String {
    const TOKENS: [(&str, &str); 9] = [
        ("L_CURLY", "`{`"),
        ("R_CURLY", "`}`"),
        ("L_PAREN", "`(`"),
        ("R_PAREN", "`)`"),
        ("L_BRACK", "`[`"),
        ("R_BRACK", "`]`"),
        ("COLON", "`:`"),
        ("BANG", "`!`"),
        (", got EOF", ""),
    ];
    let mut message = error.message().to_owned();
    for (name, token) in TOKENS {
        message = message.replace(name, token);
    }
    match (error.is_eof(), error.data()) {
        (true, _) => message + ", but the file ends",
        (false, "") => message,
        (false, got) => format!("{message}, got `{got}`"),
    }
}

#[derive(Default)]
struct Building {
    schema: Schema,
    problems: Vec<Problem>,
}

impl Building {
    fn add(&mut self, lines: &Lines, definition: cst::Definition) {
        use cst::Definition as D;
        let place = lines.place_of(definition.syntax());
        match definition {
            D::DirectiveDefinition(_) => {}
            D::SchemaDefinition(_) | D::SchemaExtension(_) => self.refuse(
                place,
                "a `schema` block has no place here: root types are Query, Mutation and Subscription",
            ),
            D::OperationDefinition(_) | D::FragmentDefinition(_) => {
                self.refuse(place, "an operation has no place in a schema");
            }
            other => match lines.definition(&other) {
                Some(new) if other.is_extension_definition() => self.extend(new),
                Some(new) => self.declare(new),
                None => self.refuse(place, "an incomplete definition"),
            },
        }
    }

    fn refuse(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem {
            place,
            message: message.into(),
        });
    }

    fn declare(&mut self, new: Definition) {
        if let Some(old) = self.schema.get(&new.name) {
            let message = format!("{} is declared twice, first at {}", new.name, old.place);
            return self.refuse(new.place, message);
        }
        self.push(new);
    }

    fn push(&mut self, new: Definition) {
        let index = self.schema.definitions.len();
        self.schema.by_name.insert(new.name.clone(), index);
        self.schema.definitions.push(new);
    }

    /// Adds to a type of this file; a type of another module counts with what
    /// is said of it here.
    fn extend(&mut self, new: Definition) {
        let Some(index) = self.schema.by_name.get(&new.name) else {
            return self.push(new);
        };
        let old = &mut self.schema.definitions[*index];
        match (&mut old.kind, new.kind) {
            (Kind::Scalar, Kind::Scalar) => {}
            (Kind::Enum(old), Kind::Enum(more)) => old.extend(more),
            (Kind::Union(old), Kind::Union(more)) => old.extend(more),
            (Kind::Input(old), Kind::Input(more)) => old.extend(more),
            (Kind::Interface(old), Kind::Interface(more)) => old.extend(more),
            (
                Kind::Object { fields, interfaces },
                Kind::Object {
                    fields: more_fields,
                    interfaces: more_interfaces,
                },
            ) => {
                fields.extend(more_fields);
                interfaces.extend(more_interfaces);
            }
            (old_kind, _) => {
                let message = format!("{} is declared as {}", new.name, old_kind.word());
                self.refuse(new.place, message);
            }
        }
    }
}
