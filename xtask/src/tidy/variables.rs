//! `.env.example` documents exactly the environment variables that the program reads, and
//! `docs/configuration.md` those and the keys of `config.yaml`.
//!
//! The program's lists are two constants: `VARIABLES` of the file that ends in
//! `config/variables.rs`, every string literal in it that is written like a variable's name; and
//! `KEYS` of the one that ends in `config/file/keys.rs`, every literal that is written like a place
//! in the file.

use std::collections::BTreeSet;

use super::TextFile;

/// Read by libraries or by both image and program, and documented beside ours.
const BESIDE: &[&str] = &["RUST_LOG"];

/// Where every variable and every key is described.
const DOCUMENT: &str = "docs/configuration.md";

/// Compares the lists.
pub(super) fn agree(files: &[TextFile]) -> Vec<String> {
    let file = |end: &str| files.iter().find(|file| file.path.ends_with(end));
    let Some(code) = file("config/variables.rs") else {
        println!("    no config/variables.rs yet: .env.example is not compared with the code");
        return Vec::new();
    };
    let Some(example) = file(".env.example") else {
        return vec![".env.example is missing".to_owned()];
    };
    let Some(known) = literals(&code.text, "VARIABLES", is_name) else {
        return vec![format!("{}: no constant `VARIABLES`", code.path)];
    };
    let mut described = known.clone();
    described.extend(BESIDE.iter().map(|name| (*name).to_owned()));
    for name in described.clone() {
        described.insert(name.to_ascii_lowercase());
    }
    if let Some(keys) = file("config/file/keys.rs") {
        let Some(keys) = literals(&keys.text, "KEYS", is_key) else {
            return vec![format!("{}: no constant `KEYS`", keys.path)];
        };
        described.extend(keys);
    }
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
    missing
        .chain(unknown)
        .chain(compare_document(file(DOCUMENT), &described))
        .collect()
}

/// The first two columns of the document's tables name what is described, nothing else and nothing
/// less.
fn compare_document(document: Option<&TextFile>, described: &BTreeSet<String>) -> Vec<String> {
    let Some(document) = document else {
        return vec![format!("{DOCUMENT} is missing")];
    };
    let shown: BTreeSet<String> = document
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|row| {
            let (first, rest) = row.split_once('`').unwrap_or((row, ""));
            // The second column names the key of a variable only.
            let second = rest
                .strip_prefix(" | `")
                .filter(|_| is_name(first))
                .and_then(|rest| rest.split_once('`'));
            [Some(first), second.map(|(second, _)| second)]
        })
        .flatten()
        .map(str::to_owned)
        .collect();
    let missing = described
        .difference(&shown)
        .map(|name| format!("{DOCUMENT}: no table has {name}"));
    let unknown = shown
        .difference(described)
        .map(|name| format!("{DOCUMENT}: the program knows no {name}"));
    missing.chain(unknown).collect()
}

/// The literals of a kind in `const NAME … = …;`, or none when there is no such constant.
fn literals(code: &str, name: &str, is: fn(&str) -> bool) -> Option<BTreeSet<String>> {
    let (_, after) = code.split_once(&format!("const {name}"))?;
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
            .filter(|word| is(word))
            .map(str::to_owned)
            .collect(),
    )
}

/// `settings.history_days`, `mappings[].window.past_days`.
fn is_key(word: &str) -> bool {
    word.contains('.')
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || "._[]".contains(c))
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

    const KEYS: &str = r#"
        pub const KEYS: &[Key] = &[
            key("webhooks[].url", "an address. Or nothing"),
        ];"#;

    const DOCUMENTED: &str = "| variable | key |\n| `BIND` | `bind` | `127.0.0.1:8080` |\n\
        | `API_KEY` | `api_key` | |\n| `RUST_LOG` | `rust_log` | info |\n\
        | `webhooks[].url` | `none` |\n";

    fn compare(example: &str) -> Vec<String> {
        compare_with(example, DOCUMENTED)
    }

    fn compare_with(example: &str, document: &str) -> Vec<String> {
        agree(&[
            TextFile::new("crates/app/src/config/variables.rs", CODE),
            TextFile::new("crates/app/src/config/file/keys.rs", KEYS),
            TextFile::new(".env.example", example),
            TextFile::new("docs/configuration.md", document),
        ])
    }

    #[test]
    fn the_document_has_every_variable_and_key_and_no_other() {
        let example = "BIND=127.0.0.1:8080\n#API_KEY=\n#RUST_LOG=info\n";
        for (word, by, found) in [
            ("`API_KEY`", "`API_KEYS`", 2),
            ("`api_key`", "`apikey`", 2),
            ("`webhooks[].url`", "`webhooks[].uri`", 2),
            ("`rust_log`", "`rustlog`", 2),
        ] {
            let document = DOCUMENTED.replace(word, by);
            let problems = compare_with(example, &document);
            assert_eq!(problems.len(), found, "{word}: {problems:?}");
        }
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
