//! What must hold of a schema before Rust can be made of it. Everything else is
//! the server's to check.

use std::collections::BTreeMap;

use super::{Field, Kind, Named, Place, Problem, SCALARS, Schema, Type};

/// Adds to `problems` everything that is wrong.
pub(super) fn check(schema: &Schema, problems: &mut Vec<Problem>) {
    let mut check = Check { schema, problems };
    for definition in &schema.definitions {
        check.definition(&definition.name, definition.place, &definition.kind);
    }
}

struct Check<'s> {
    schema: &'s Schema,
    problems: &'s mut Vec<Problem>,
}

impl Check<'_> {
    fn refuse(&mut self, place: Place, message: String) {
        self.problems.push(Problem { place, message });
    }

    fn definition(&mut self, name: &str, place: Place, kind: &Kind) {
        if name.starts_with("__") || name.starts_with("_runnel") {
            self.refuse(place, format!("the name {name} is reserved"));
        }
        if SCALARS.contains(&name) {
            self.refuse(place, format!("{name} is a type of every schema already"));
        }
        self.unique(
            name,
            kind.fields().iter().map(|f| (f.name.as_str(), f.place)),
        );
        match kind {
            Kind::Scalar => {}
            Kind::Enum(values) => {
                self.unique(name, values.iter().map(|v| (v.name.as_str(), v.place)));
            }
            Kind::Union(members) => self.members(members, "a type"),
            Kind::Input(fields) => fields.iter().for_each(|f| self.input(&f.ty)),
            Kind::Interface(fields) => self.outputs(name, fields),
            Kind::Object { fields, interfaces } => {
                self.members(interfaces, "an interface");
                self.outputs(name, fields);
            }
        }
    }

    fn unique<'n>(&mut self, owner: &str, names: impl Iterator<Item = (&'n str, Place)>) {
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        for (name, place) in names {
            if let Some(first) = seen.insert(name, place) {
                self.refuse(
                    place,
                    format!("{owner}.{name} is declared twice, first at {first}"),
                );
            }
        }
    }

    fn outputs(&mut self, owner: &str, fields: &[Field]) {
        for field in fields {
            self.known(&field.ty);
            if self
                .kind_of(&field.ty)
                .is_some_and(|kind| matches!(kind, Kind::Input(_)))
            {
                let at = field.ty.innermost();
                let message = format!(
                    "{} is an input, which cannot be the type of a field",
                    at.name
                );
                self.refuse(at.place, message);
            }
            let name = format!("{owner}.{}", field.name);
            self.unique(
                &name,
                field.arguments.iter().map(|a| (a.name.as_str(), a.place)),
            );
            field.arguments.iter().for_each(|a| self.input(&a.ty));
        }
    }

    fn input(&mut self, ty: &Type) {
        self.known(ty);
        let Some(kind) = self.kind_of(ty) else { return };
        if !matches!(kind, Kind::Scalar | Kind::Enum(_) | Kind::Input(_)) {
            let (at, word) = (ty.innermost(), kind.word());
            let message = format!(
                "{} is {word}, which cannot be the type of an input",
                at.name
            );
            self.refuse(at.place, message);
        }
    }

    fn members(&mut self, members: &[Named], want: &str) {
        for member in members {
            match self.schema.get(&member.name).map(|d| d.kind.word()) {
                Some(word) if word == want => {}
                Some(word) => {
                    let message = format!("{} is {word}, not {want}", member.name);
                    self.refuse(member.place, message);
                }
                None => self.unknown(member),
            }
        }
    }

    fn kind_of(&self, ty: &Type) -> Option<&Kind> {
        self.schema.get(&ty.innermost().name).map(|d| &d.kind)
    }

    fn known(&mut self, ty: &Type) {
        let named = ty.innermost();
        if !SCALARS.contains(&named.name.as_str()) && self.schema.get(&named.name).is_none() {
            self.unknown(named);
        }
    }

    fn unknown(&mut self, named: &Named) {
        let message = format!("the type {} is not declared in this file", named.name);
        self.refuse(named.place, message);
    }
}
