//! The JSON reader and writer, held to serde_json's.

use std::collections::BTreeMap;

use runnel::json::{FromJson, Kind, MAX_DEPTH, Mismatch, Reader, from_str, to_string};
use runnel::{Id, Json, ToJson};
use serde_json::Value;

/// Any JSON, read by the SDK's reader.
#[derive(Debug)]
struct Tree(Value);

impl FromJson for Tree {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        Ok(Tree(match reader.kind()? {
            Kind::Null => reader.null().map(|_| Value::Null)?,
            Kind::Boolean => bool::read(reader)?.into(),
            Kind::Number => f64::read(reader)?.into(),
            Kind::String => String::read(reader)?.into(),
            Kind::Array => {
                let list = Vec::<Tree>::read(reader)?;
                list.into_iter().map(|tree| tree.0).collect()
            }
            Kind::Object => {
                let map = BTreeMap::<String, Tree>::read(reader)?;
                Value::Object(map.into_iter().map(|(k, tree)| (k, tree.0)).collect())
            }
        }))
    }
}

fn floats(value: Value) -> Value {
    match value {
        Value::Number(n) => n.as_f64().into(),
        Value::Array(list) => list.into_iter().map(floats).collect(),
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (k, floats(v))).collect()),
        other => other,
    }
}

/// Both readers accept the text and read the same, or both refuse it.
fn agrees(text: &str) {
    let want = serde_json::from_str::<Value>(text).ok().map(floats);
    let got = from_str::<Tree>(text).map(|tree| tree.0);
    assert_eq!(got.as_ref().ok(), want.as_ref(), "{text:?}: {got:?}");
    if want.is_some() {
        // What is skipped is checked as well.
        assert_eq!(
            Json::parse(text).map(|j| j.to_string()),
            Ok(text.trim().to_owned())
        );
    }
}

const SEEDS: &[&str] = &[
    r#"{"id":"o1","total":12.5,"tags":["a","b"],"inner":{"x":[1,-2.5e-3,null,true,false]}}"#,
    r#" [ "\u0041\ud83d\ude80\n\"\\\/\b\f\r\t" , {} , [] , {"":0} , -0 , 0.1E+7 ] "#,
    r#""smörgås 🚀""#,
    "[[[[[[1,2,3]]]]],null]",
];

#[test]
fn malformed_texts_are_refused() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "truefalse",
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "--1",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "[",
        "[1",
        "[1,",
        "[,1]",
        "[1,]",
        "[1 2]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{1:2}",
        "]",
        "}",
        "[1]]",
        "1 2",
        "\u{feff}1",
        "\u{a0}1",
        "'a'",
        "NaN",
        "Infinity",
        "/**/1",
    ] {
        assert!(Json::parse(text).is_err(), "{text:?}");
        assert!(from_str::<Tree>(text).is_err(), "{text:?}");
        agrees(text);
    }
}

#[test]
fn mutated_texts_are_read_as_serde_json_reads_them() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let pieces = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "1", "-", ".", "e", "E", "+", "null",
        "true", "\\u", "d83d", "\\ud83d", "\\ude80", " ", "\n", "\u{1}", "é", "🚀", "a", "1e999",
        "\"\"",
    ];
    for seed in SEEDS {
        agrees(seed);
    }
    for round in 0..40_000 {
        let mut text: Vec<char> = SEEDS[round % SEEDS.len()].chars().collect();
        for _ in 0..1 + random(3) {
            let at = random(text.len() + 1);
            let end = (at + random(4)).min(text.len());
            let piece = if random(3) == 0 {
                ""
            } else {
                pieces[random(pieces.len())]
            };
            text.splice(at..end, piece.chars());
        }
        agrees(&text.into_iter().collect::<String>());
    }
}

#[test]
fn nesting_is_limited_where_it_is_read_kept_and_skipped() {
    let nested = |depth: u32, open: &str, close: &str| {
        open.repeat(depth as usize) + "1" + &close.repeat(depth as usize)
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"b\":", "}]")] {
        let levels = if open.len() > 5 { 2 } else { 1 };
        let deep = nested(MAX_DEPTH / levels, open, close);
        assert!(from_str::<Tree>(&deep).is_ok());
        assert!(Json::parse(&deep).is_ok());
        for too_deep in [
            nested(MAX_DEPTH / levels + 1, open, close),
            open.repeat(100_000),
        ] {
            let error = Json::parse(&too_deep).unwrap_err();
            assert!(
                error.to_string().ends_with("nested deeper than 64 levels"),
                "{error}"
            );
            assert!(from_str::<Tree>(&too_deep).is_err());
        }
    }
}

/// A chain of lists, to be written.
struct Chain(u32);

impl ToJson for Chain {
    fn write(&self, writer: &mut runnel::json::Writer) {
        let mut array = writer.array();
        if self.0 > 1 {
            array.element(&Chain(self.0 - 1));
        }
    }
}

#[test]
fn nesting_is_limited_where_it_is_written() {
    assert_eq!(
        to_string(&Chain(MAX_DEPTH)).unwrap().len(),
        2 * MAX_DEPTH as usize
    );
    for depth in [MAX_DEPTH + 1, 1_000_000] {
        let error = to_string(&Chain(depth)).unwrap_err();
        assert_eq!(error.to_string(), "nested deeper than 64 levels");
    }
}

#[test]
fn strings_are_written_as_serde_json_reads_them() {
    let mut text = String::from("smörgås 🚀 </script> \"\\");
    text.extend((0..0x80).filter_map(char::from_u32));
    let json = to_string(&text).unwrap();
    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    assert_eq!(from_str::<String>(&json).unwrap(), text);
}

#[test]
fn mismatches_name_the_place_and_both_types() {
    let message = |error: Mismatch| error.to_string();
    let grid = from_str::<Vec<Option<Vec<f64>>>>("[null,[1,2],[3,\"x\"]]");
    assert_eq!(
        grid.map_err(message),
        Err("2.1: expected Float, got a string".to_owned())
    );
    let map = from_str::<BTreeMap<String, bool>>(r#"{"a":true,"b":{}}"#);
    assert_eq!(
        map.map_err(message),
        Err("b: expected Boolean, got an object".to_owned())
    );
    let broken = from_str::<Vec<bool>>("[true,fals]");
    assert_eq!(
        broken.map_err(message),
        Err("1: unexpected `f` at byte 6".to_owned())
    );
    let long = from_str::<f64>(&"1".repeat(5000)).map_err(message);
    assert_eq!(long, Err("1".repeat(100) + "… is not a Float"));
    let cut = from_str::<String>("\"abc");
    assert_eq!(
        cut.map_err(message),
        Err("unexpected end at byte 4".to_owned())
    );
}

#[test]
fn ids_are_text_or_whole_numbers() {
    assert_eq!(from_str::<Id>("\"a\"").unwrap(), "a");
    assert_eq!(
        from_str::<Id>("12345678901234567890").unwrap(),
        "12345678901234567890"
    );
    assert_eq!(
        from_str::<Id>("1.5").unwrap_err().to_string(),
        "1.5 is not an ID"
    );
    assert_eq!(
        from_str::<Id>("true").unwrap_err().to_string(),
        "expected ID, got a boolean"
    );
    assert_eq!(to_string(&Id::from("7")).unwrap(), "\"7\"");
}
