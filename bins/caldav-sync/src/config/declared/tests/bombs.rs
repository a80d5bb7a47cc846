//! Files made to hurt: small, and worth gigabytes or hours to whoever believes them. Refused at once,
//! in little memory.

use super::Place;

/// KiB that all of them together may take.
const ROOM: u64 = 64 * 1024;

/// What is said about a file.
fn said(text: &str) -> String {
    match Place::new(text).read() {
        Err(error) => error.to_string(),
        Ok(_) => String::new(),
    }
}

/// So many lines.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().concat()
}

/// Each line is nine times the one before.
fn aliases_of_aliases() -> String {
    let more = lines(25, |n| {
        let nine = vec![format!("*a{n}"); 9].join(", ");
        format!("a{next}: &a{next} [{nine}]\n", next = n + 1)
    });
    format!("a0: &a0 [x, x]\n{more}")
}

#[test]
fn yaml_bombs_are_refused_in_little_memory() {
    let (before, _) = testkit::scripted::memory("self");
    let accounts = |count: usize, each: &str| {
        format!("caldav_accounts:\n{}", format!("- {each}\n").repeat(count))
    };
    let long = "x".repeat(400_000);
    for (name, text, words) in [
        ("aliases of aliases", aliases_of_aliases(), "holds too much"),
        (
            "aliases of a long text",
            format!(
                "a: &a {}\nb: [{}]\n",
                "x".repeat(200_000),
                "*a,".repeat(90_000)
            ),
            "holds too much",
        ),
        (
            "an alias of itself",
            "a: &a [*a, *a]\n".to_owned(),
            "cannot be read as YAML",
        ),
        (
            "merges without end",
            format!(
                "a: &a {{x: 1}}\n{}",
                lines(2000, |n| format!("k{n}: {{<<: *a}}\n"))
            ),
            "holds too much",
        ),
        (
            "anchors without end",
            lines(30_000, |n| format!("- &a{n} x\n")),
            "",
        ),
        ("deep lists", "[".repeat(500_000), "cannot be read as YAML"),
        (
            "deep maps",
            "{a: ".repeat(100_000),
            "cannot be read as YAML",
        ),
        (
            "deep by indentation",
            lines(700, |n| format!("{}a:\n", " ".repeat(n))),
            "cannot be read as YAML",
        ),
        (
            "wide lists",
            format!("a: [{}]\n", "x,".repeat(200_000)),
            "holds too much",
        ),
        ("a long value", format!("base_url: {long}\n"), "base_url"),
        ("a long key", format!("? {long}\n: 1\n"), "no such key"),
        (
            "a long name",
            accounts(1, &format!("{{name: {long}}}")),
            "caldav_accounts[0].name",
        ),
        (
            "a long secret in a name of a file",
            accounts(1, &format!("{{name: a, password_file: {long}}}")),
            "password_file",
        ),
        ("a larger file", "# x\n".repeat(200_000), "larger than"),
        (
            "10,000 accounts",
            accounts(10_000, "{name: a}"),
            "10000 entries are too many",
        ),
        (
            "1,000 accounts of one name",
            accounts(1_000, "{name: a}"),
            "missing",
        ),
    ] {
        let said = said(&text);
        assert!(!said.is_empty(), "{name} is taken");
        let start: String = said.chars().take(400).collect();
        assert!(said.contains(words), "{name}: {start}");
        // What is said is of the size of what people read, not of the bomb.
        assert!(
            said.len() < 1_000_000,
            "{name}: {} bytes are said",
            said.len()
        );
        assert!(
            !said.contains(&"x".repeat(1_000)),
            "{name} is repeated: {start}"
        );
    }
    let (after, _) = testkit::scripted::memory("self");
    assert!(after - before < ROOM, "they took {} KiB", after - before);
}
