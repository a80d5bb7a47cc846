//! "Did you mean …?": the word nearest to one that was mistyped, in the API and in `config.yaml`.

/// The nearest of some words, if one is near enough to be a slip of the pen.
pub fn nearest<'a>(wrong: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tidy = tidied(wrong);
    words
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&tidy, word), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// As our words are written: lower case, with underscores. Cut, so that comparing stays cheap.
pub fn tidied(word: &str) -> String {
    word.trim()
        .chars()
        .take(64)
        .map(|letter| match letter {
            '-' | ' ' => '_',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let known = ["direction", "enabled", "window", "wait"];
        for (given, meant) in [
            ("directoin", Some("direction")),
            ("Direction", Some("direction")),
            ("enable", Some("enabled")),
            ("windows", Some("window")),
            ("wiat", Some("wait")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), meant, "{given}");
        }
    }
}
