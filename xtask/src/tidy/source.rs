//! Rules about one source file.

use super::TextFile;

/// The most lines a file may have before its tests.
const LONGEST: usize = 500;

/// Lines end where their text ends, and the last line ends too.
pub(super) fn whitespace(file: &TextFile) -> Vec<String> {
    let path = &file.path;
    let mut failures: Vec<_> = file
        .text
        // Not `lines`, which would take the CR of a CRLF for part of the line's end.
        .split('\n')
        .enumerate()
        .filter(|(_, line)| line.ends_with([' ', '\t', '\r']))
        .map(|(index, _)| format!("{path}:{}: whitespace at the end of the line", index + 1))
        .collect();
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        failures.push(format!("{path}: the last line does not end"));
    }
    failures
}

/// A file begins by saying what lives in it. Only `#![attributes]` may stand before, as a
/// fuzz target needs one.
pub(super) fn module_docs(file: &TextFile) -> Option<String> {
    if file.path.ends_with("/build.rs") {
        return None;
    }
    let first = file
        .text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    match first {
        Some(line) if line.starts_with("//!") => None,
        _ => Some(format!(
            "{}: no `//!` at the top says what lives here and who calls it",
            file.path
        )),
    }
}

/// A file holds one idea. Its tests may be as long as they need to be.
pub(super) fn length(file: &TextFile) -> Option<String> {
    if file.path.contains("/tests/") || file.path.ends_with("/tests.rs") {
        return None;
    }
    let lines = file
        .text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .count();
    (lines > LONGEST).then(|| {
        format!(
            "{}: {lines} lines before its tests, {LONGEST} is the limit: split it by ideas",
            file.path
        )
    })
}

/// Pages escape what they show. Only text that is in the program, as a constant, may be
/// written as it is: `PreEscaped(STYLE)`, never `PreEscaped(event.summary)`.
pub(super) fn escaping(file: &TextFile) -> Vec<String> {
    let mut failures = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let is_comment = line.trim_start().starts_with("//");
        for (at, call) in line.match_indices("PreEscaped(") {
            let argument = &line[at + call.len()..];
            if !is_comment && !is_constant(argument) {
                failures.push(format!(
                    "{}:{}: only a constant may go into the page unescaped",
                    file.path,
                    index + 1
                ));
            }
        }
    }
    failures
}

/// Whether `argument)` begins with the path of a constant: `assets::STYLE)`.
fn is_constant(argument: &str) -> bool {
    let Some((path, _)) = argument.split_once(')') else {
        return false;
    };
    let name = path.rsplit("::").next().unwrap_or(path);
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> TextFile {
        TextFile::new("crates/web/src/page.rs", text)
    }

    #[test]
    fn whitespace_is_found_with_its_line() {
        let found = whitespace(&rust("//! Docs.\nlet a = 1; \n"));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("crates/web/src/page.rs:2:"),
            "{found:?}"
        );
        assert_eq!(whitespace(&rust("//! Docs.\r\n")).len(), 1);
        assert_eq!(whitespace(&rust("//! Docs.")).len(), 1);
    }

    #[test]
    fn docs_come_first_but_for_attributes() {
        assert_eq!(module_docs(&rust("#![no_main]\n\n//! A target.\n")), None);
        assert!(module_docs(&rust("use std::fs;\n//! Late.\n")).is_some());
        assert!(module_docs(&rust("")).is_some());
    }

    #[test]
    fn only_lines_before_the_tests_count() {
        let long = "//! Docs.\n".repeat(LONGEST);
        assert_eq!(length(&rust(&long)), None);
        assert!(length(&rust(&format!("{long}// one more\n"))).is_some());
        assert_eq!(
            length(&rust(&format!("{long}#[cfg(test)]\nmod tests {{}}\n"))),
            None
        );
        let test = TextFile::new("crates/web/tests/pages.rs", &long.repeat(2));
        assert_eq!(length(&test), None);
    }

    #[test]
    fn what_is_not_a_constant_is_escaped() {
        assert_eq!(escaping(&rust("PreEscaped(assets::STYLE_2)")).len(), 0);
        assert_eq!(escaping(&rust("// never PreEscaped(summary)")).len(), 0);
        for bad in [
            "(PreEscaped(summary))",
            "PreEscaped(format!(\"{A}\"))",
            "PreEscaped(",
            "PreEscaped(STYLE.to_owned() + &name)",
        ] {
            assert_eq!(escaping(&rust(bad)).len(), 1, "{bad}");
        }
    }
}
