//! Constant values, as JSON.

use apollo_parser::cst::{self, CstNode, Value};

/// The JSON of a default; `None` for what no constant may hold.
pub(super) fn json(value: &Value) -> Option<String> {
    Some(match value {
        Value::Variable(_) => return None,
        Value::NullValue(_) => "null".to_owned(),
        Value::IntValue(number) => number.syntax().text().to_string().trim().to_owned(),
        Value::FloatValue(number) => number.syntax().text().to_string().trim().to_owned(),
        Value::BooleanValue(b) => (if b.true_token().is_some() {
            "true"
        } else {
            "false"
        })
        .into(),
        Value::StringValue(text) => quoted(&String::from(text)),
        Value::EnumValue(value) => quoted(&value.text()),
        Value::ListValue(list) => {
            let values: Option<Vec<String>> = list.values().map(|v| json(&v)).collect();
            format!("[{}]", values?.join(","))
        }
        Value::ObjectValue(object) => {
            let fields: Option<Vec<String>> = object.object_fields().map(member).collect();
            format!("{{{}}}", fields?.join(","))
        }
    })
}

fn member(field: cst::ObjectField) -> Option<String> {
    let value = json(&field.value()?)?;
    Some(format!("{}:{value}", quoted(&field.name()?.text())))
}

fn quoted(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\0'..' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => json.push(c),
        }
    }
    json + "\""
}
