//! GraphQL names as Rust names.

use proc_macro2::{Ident, Span};

/// `orderUpdated` → `order_updated`, `HTTPStatus` → `http_status`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1);
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|b| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || b.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// `order_updated` → `orderUpdated`.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::new();
    for piece in name.split('_').filter(|piece| !piece.is_empty()) {
        if camel.is_empty() {
            camel.push_str(piece);
        } else {
            camel.push_str(&capitalized(piece));
        }
    }
    camel
}

/// `IN_STOCK` → `InStock`, `inStock` → `InStock`.
pub(crate) fn pascal(name: &str) -> String {
    let shouting = !name.contains(|c: char| c.is_ascii_lowercase());
    let pieces = name.split('_').map(|piece| match shouting {
        true => capitalized(&piece.to_ascii_lowercase()),
        false => capitalized(piece),
    });
    let pascal: String = pieces.collect();
    if pascal.starts_with(|c: char| c.is_ascii_alphabetic()) {
        pascal
    } else {
        format!("_{pascal}")
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + chars.as_str(),
        None => String::new(),
    }
}

/// The identifier of that name: raw where it is a keyword, and with an
/// underscore behind where it cannot even be raw.
pub(crate) fn ident(name: &str) -> Ident {
    let span = Span::call_site();
    if syn::parse_str::<Ident>(name).is_ok() {
        return Ident::new(name, span);
    }
    match name {
        "self" | "Self" | "super" | "crate" | "_" => Ident::new(&format!("{name}_"), span),
        _ => Ident::new_raw(name, span),
    }
}

/// The identifier's text, without `r#`.
pub(crate) fn text(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_from_graphql_to_rust() {
        for (name, want) in [
            ("orderUpdated", "order_updated"),
            ("whoAmI", "who_am_i"),
            ("HTTPStatus", "http_status"),
            ("URL", "url"),
            ("sha256Sum", "sha256_sum"),
            ("already_snake", "already_snake"),
            ("_hidden", "_hidden"),
        ] {
            assert_eq!(snake(name), want);
        }
        for (name, want) in [
            ("IN_STOCK", "InStock"),
            ("inStock", "InStock"),
            ("A", "A"),
            ("TOP_10", "Top10"),
            ("_1", "_1"),
        ] {
            assert_eq!(pascal(name), want);
        }
        assert_eq!(camel("customer_id"), "customerId");
        assert_eq!(camel("id"), "id");
    }

    #[test]
    fn keywords_are_escaped() {
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("self").to_string(), "self_");
        assert_eq!(ident("Self").to_string(), "Self_");
        assert_eq!(text(&ident("type")), "type");
    }
}
