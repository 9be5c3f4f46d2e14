//! Assembles the modules of a directory: for each .wat the .wasm beside it.
//!
//! Nothing is validated: much of the corpus is wrong on purpose. The tests hold
//! that the .wasm files in the repository are what their .wat say.

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: assemble DIRECTORY");
        return ExitCode::from(2);
    };
    match assemble_all(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn assemble_all(directory: &Path) -> Result<()> {
    for text in files(directory, "wat")? {
        fs::write(text.with_extension("wasm"), assemble(&text)?)?;
    }
    Ok(())
}

fn assemble(text: &Path) -> Result<Vec<u8>> {
    wat::parse_file(text).map_err(Error::other)
}

/// All files with the extension, in the directory and those below it.
fn files(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{assemble, files};
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_module_is_what_its_text_says() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hostile");
        let texts = files(&corpus, "wat").unwrap();
        let modules = files(&corpus, "wasm").unwrap();
        let expected: Vec<_> = texts.iter().map(|t| t.with_extension("wasm")).collect();
        assert!(!texts.is_empty());
        assert_eq!(
            modules, expected,
            "each .wat has its .wasm, and each .wasm its .wat"
        );
        for text in texts {
            let module = fs::read(text.with_extension("wasm")).unwrap();
            assert!(
                assemble(&text).unwrap() == module,
                "{}: the .wasm is another module's; run make corpus",
                text.display()
            );
        }
    }
}
