//! `.env.example` documents exactly the environment variables that the program reads.
//!
//! The program's list is the constant `VARIABLES` of the file that ends in
//! `config/variables.rs`: every string literal in it that is written like a variable's name.

use std::collections::BTreeSet;

use super::TextFile;

/// Read by libraries or by both image and program, and documented beside ours.
const BESIDE: &[&str] = &["RUST_LOG"];

/// Compares the two lists.
pub(super) fn agree(files: &[TextFile]) -> Vec<String> {
    let file = |end: &str| files.iter().find(|file| file.path.ends_with(end));
    let Some(code) = file("config/variables.rs") else {
        println!("    no config/variables.rs yet: .env.example is not compared with the code");
        return Vec::new();
    };
    let Some(example) = file(".env.example") else {
        return vec![".env.example is missing".to_owned()];
    };
    let Some(known) = listed_in_code(&code.text) else {
        return vec![format!("{}: no constant `VARIABLES`", code.path)];
    };
    let shown = listed_in_example(&example.text);
    let missing = known.difference(&shown).map(|name| {
        format!(
            ".env.example: {name} is missing, and {} knows it",
            code.path
        )
    });
    let unknown = shown
        .difference(&known)
        .filter(|name| !BESIDE.contains(&name.as_str()))
        .map(|name| format!(".env.example: {name} is not in {}", code.path));
    missing.chain(unknown).collect()
}

/// The names in `const VARIABLES … = …;`, or none when there is no such constant.
fn listed_in_code(code: &str) -> Option<BTreeSet<String>> {
    let (_, after) = code.split_once("const VARIABLES")?;
    let (_, value) = after.split_once('=')?;
    let (value, _) = value
        .split_once("\n];")
        .or_else(|| value.split_once("];"))?;
    let literals = value
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    Some(
        literals
            .filter(|word| is_name(word))
            .map(str::to_owned)
            .collect(),
    )
}

/// The names before the `=` of each line, also of lines that are commented out: `#BIND=…`.
fn listed_in_example(example: &str) -> BTreeSet<String> {
    example
        .lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='))
        .map(|(name, _)| name)
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .collect()
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = r#"
        /// Not `OTHER_THING`.
        pub const VARIABLES: &[Variable] = &[
            // Once there was "OLD_NAME".
            Variable { name: "BIND", meaning: "Where to listen", default: "127.0.0.1:8080" },
            Variable { name: "API_KEY", meaning: "The key", default: "" },
        ];
        const LATER: &str = "LATER_NAME";"#;

    fn compare(example: &str) -> Vec<String> {
        agree(&[
            TextFile::new("crates/app/src/config/variables.rs", CODE),
            TextFile::new(".env.example", example),
        ])
    }

    #[test]
    fn lists_that_agree_pass() {
        let example = "# Where: BIND=... \nBIND=127.0.0.1:8080\n#API_KEY=\n#RUST_LOG=info\n";
        assert_eq!(compare(example), Vec::<String>::new());
    }

    #[test]
    fn a_variable_on_one_side_only_is_named() {
        let found = compare("BIND=127.0.0.1:8080\n#LATER_NAME=1\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("API_KEY is missing"), "{found:?}");
        assert!(found[1].contains("LATER_NAME is not in"), "{found:?}");
    }

    #[test]
    fn a_list_that_cannot_be_read_is_no_pass() {
        let file = TextFile::new("crates/app/src/config/variables.rs", "//! Empty.\n");
        assert_eq!(agree(&[file, TextFile::new(".env.example", "")]).len(), 1);
    }
}
