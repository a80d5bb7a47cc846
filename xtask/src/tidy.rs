//! The rules that no compiler knows: module docs, length of files, trailing whitespace,
//! unescaped HTML, the documented environment, the safety of the compose file, the bans of
//! the core.
//!
//! Each rule is a function from a file (or two) to sentences about what is wrong; this module
//! finds the files and reports. Called by `cargo xtask tidy` and by `cargo xtask test`.

mod compose;
mod lints;
mod source;
mod variables;

use std::path::{Path, PathBuf};

use xshell::Shell;

use crate::{Result, root, step};

/// Folders that hold nothing of ours, or things a machine made.
const SKIPPED: &[&str] = &["target", ".git", "corpus", "artifacts", "coverage"];

/// What is read as text; corpora and fixtures in other formats are left as they are.
const TEXT: &[&str] = &[
    "rs", "md", "toml", "yml", "yaml", "sql", "sh", "txt", "css", "conf", "example",
];

/// A text file of the repository.
struct TextFile {
    /// From the root, with `/`.
    path: String,
    text: String,
}

impl TextFile {
    fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }
}

/// Checks every file of the repository.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    step::check("tidy", || {
        let mut files = Vec::new();
        collect(sh, &root(), &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let failures = failures(&files);
        if failures.is_empty() {
            println!("    {} files", files.len());
            return Ok(());
        }
        Err(failures.join("\n    ").into())
    })
}

fn failures(files: &[TextFile]) -> Vec<String> {
    let mut failures = Vec::new();
    for file in files {
        failures.extend(source::whitespace(file));
        if file.is_rust() {
            failures.extend(source::module_docs(file));
            failures.extend(source::length(file));
            if file.path.starts_with("crates/web/src/") {
                failures.extend(source::escaping(file));
            }
        }
        if file.path == "docker/compose.yaml" {
            failures.extend(compose::safety(file));
        }
    }
    failures.extend(variables::agree(files));
    failures.extend(lints::agree(files));
    failures
}

fn collect(sh: &Shell, folder: &Path, files: &mut Vec<TextFile>) -> Result<()> {
    for path in sh.read_dir(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_ref()) {
                collect(sh, &path, files)?;
            }
        } else if TEXT.iter().any(|extension| has_extension(&name, extension))
            || ["Dockerfile", "LICENSE", "Caddyfile", "run"].contains(&name.as_ref())
        {
            files.push(TextFile {
                path: relative(&path),
                text: sh.read_file(&path)?,
            });
        }
    }
    Ok(())
}

fn relative(path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root()).unwrap_or(path).to_path_buf();
    path.to_string_lossy().replace('\\', "/")
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

#[cfg(test)]
impl TextFile {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}
