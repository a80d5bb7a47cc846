//! `calendar-color` as `#rrggbb`.

/// Brings a colour into the form `#rrggbb`, lower case; `None` for anything else than a hexadecimal
/// colour. An alpha part is dropped: it is nearly always `ff`, and nobody shows it.
pub(crate) fn normalised(text: &str) -> Option<String> {
    let hex = text.trim().strip_prefix('#')?.to_ascii_lowercase();
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let full = match hex.len() {
        3 | 4 => hex
            .chars()
            .take(3)
            .flat_map(|digit| [digit, digit])
            .collect(),
        6 | 8 => hex.chars().take(6).collect::<String>(),
        // Some write 16 bits a colour.
        12 | 16 => hex
            .chars()
            .take(12)
            .enumerate()
            .filter(|(at, _)| at % 4 < 2)
            .map(|(_, digit)| digit)
            .collect(),
        _ => return None,
    };
    Some(format!("#{full}"))
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn colours_come_in_one_form() {
        for (text, expected) in [
            ("#2952A3", Some("#2952a3")),
            (" #2952a3FF\n", Some("#2952a3")),
            ("#fa0", Some("#ffaa00")),
            ("#fa0c", Some("#ffaa00")),
            ("#2929525200a3", Some("#295200")),
            ("red", None),
            ("", None),
            ("#12345", None),
            ("#ggg", None),
        ] {
            assert_eq!(normalised(text).as_deref(), expected, "{text}");
        }
    }
}
