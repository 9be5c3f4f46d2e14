//! What the compiler says to authors' mistakes.
//!
//! Each file of `mistakes/` is compiled on its own. A comment `//~ text` says
//! that there is an error in this line whose message, labels and notes contain
//! the text; each `^` in `//~^ text` means one line further up. There must be no
//! other errors.
//! Only these texts are compared, so that another compiler's wording of the rest
//! does not matter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Line and text of errors, expected or found.
type Errors = Vec<(u64, String)>;

#[test]
fn mistakes_are_compile_errors_at_their_lines() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let cases = cases(&sources);
    let mut found = check(&sources, &cases);
    let mut report = String::new();
    for (name, path) in &cases {
        let expected = expectations(&fs::read_to_string(path).unwrap());
        let found = found.remove(name).unwrap_or_default();
        compare(name, expected, found, &mut report);
    }
    assert!(cases.len() > 5 && report.is_empty(), "{report}");
}

fn cases(sources: &Path) -> BTreeMap<String, PathBuf> {
    let files = fs::read_dir(sources)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let cases = files.filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    cases.map(|path| (name(&path), path)).collect()
}

fn expectations(source: &str) -> Errors {
    let mut expected = Vec::new();
    for (index, line) in source.lines().enumerate() {
        for text in line.split("//~").skip(1) {
            let text = text.trim_end();
            let message = text.trim_start_matches('^');
            let above = text.len() - message.len();
            expected.push(((index + 1 - above) as u64, message.trim().to_owned()));
        }
    }
    expected
}

/// Every error must be expected, though it may come twice, and every one that is
/// expected must come.
fn compare(name: &str, expected: Errors, found: Errors, report: &mut String) {
    let fits = |(line, text): &(u64, String), (l, t): &(u64, String)| {
        line == l && text.contains(t.as_str())
    };
    for error in &found {
        if !expected.iter().any(|e| fits(error, e)) {
            report.push_str(&format!("{name}.rs:{}: unexpected: {}\n", error.0, error.1));
        }
    }
    for error in &expected {
        if !found.iter().any(|f| fits(f, error)) {
            report.push_str(&format!(
                "{name}.rs:{}: no error says: {}\n",
                error.0, error.1
            ));
        }
    }
}

/// Compiles the cases, each as a program of one package.
fn check(sources: &Path, cases: &BTreeMap<String, PathBuf>) -> BTreeMap<String, Errors> {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(&package).unwrap();
    for entry in fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "graphql") {
            fs::copy(&path, package.join(path.file_name().unwrap())).unwrap();
        }
    }
    let mut manifest = format!(
        "[package]\nname = \"mistakes\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\nrunnel = {{ path = {sdk:?} }}\n"
    );
    for (name, path) in cases {
        manifest.push_str(&format!("[[bin]]\nname = {name:?}\npath = {path:?}\n"));
    }
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let lock = sdk.parent().unwrap().join("Cargo.lock");
    fs::copy(lock, package.join("Cargo.lock")).unwrap();

    let output = Command::new(env!("CARGO"))
        .args([
            "check",
            "--bins",
            "--keep-going",
            "--offline",
            "--message-format=json",
        ])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let mut found: BTreeMap<String, Errors> = BTreeMap::new();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        if message["reason"] == "compiler-message" && message["message"]["level"] == "error" {
            let name = message["target"]["name"].as_str().unwrap();
            let errors = found.entry(name.to_owned()).or_default();
            errors.extend(place(&message["message"]).map(|l| (l, words(&message["message"]))));
        }
    }
    assert!(!found.is_empty(), "cargo says:\n{log}");
    found
}

/// The line of a message's primary span, followed out of macros; none for the
/// message that only counts errors.
fn place(message: &Value) -> Option<u64> {
    let spans = message["spans"].as_array()?;
    let mut span = spans.iter().find(|span| span["is_primary"] == true)?;
    while let Some(expansion) = span.get("expansion").filter(|e| !e.is_null()) {
        span = &expansion["span"];
    }
    span["line_start"].as_u64()
}

/// A message with its labels and notes.
fn words(message: &Value) -> String {
    let mut words = message["message"].as_str().unwrap_or_default().to_owned();
    for span in message["spans"].as_array().into_iter().flatten() {
        words.push_str(" | ");
        words.push_str(span["label"].as_str().unwrap_or_default());
    }
    for child in message["children"].as_array().into_iter().flatten() {
        words.push_str(" | ");
        words.push_str(&self::words(child));
    }
    words
}
