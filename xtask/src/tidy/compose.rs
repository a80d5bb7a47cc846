//! The compose file is what people copy: it must be safe as it stands.

use super::TextFile;

/// No port for the whole network, no secret in the file.
pub(super) fn safety(file: &TextFile) -> Vec<String> {
    let mut failures = Vec::new();
    let mut in_ports = false;
    for (index, line) in file.text.lines().enumerate() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", file.path, index + 1);
        match text.strip_prefix("- ") {
            Some(entry) if in_ports => {
                if !entry.trim_matches(['"', '\'']).starts_with("127.0.0.1:") {
                    failures.push(format!("{place}: publish on 127.0.0.1 only"));
                }
            }
            _ => in_ports = text == "ports:",
        }
        if let Some(name) = secret_with_value(text) {
            failures.push(format!("{place}: {name} has its value in the file"));
        }
    }
    failures
}

/// The name of a secret that is set to a literal here, in either of compose's two forms.
/// `NAME_FILE: /run/secrets/…` and `NAME: ${NAME}` hold no secret.
fn secret_with_value(text: &str) -> Option<&str> {
    let text = text.trim_start_matches("- ");
    let (name, value) = text.split_once('=').or_else(|| text.split_once(": "))?;
    let is_secret = ["SECRET", "KEY", "PASSWORD", "TOKEN"]
        .iter()
        .any(|word| name.ends_with(word));
    let value = value.trim_matches([' ', '"', '\'']);
    (is_secret && !value.is_empty() && !value.starts_with("${")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compose(text: &str) -> Vec<String> {
        safety(&TextFile::new("docker/compose.yaml", text))
    }

    #[test]
    fn a_safe_file_passes() {
        let text = "ports:\n  - \"127.0.0.1:8080:8080\"\nenvironment:\n  API_KEY: ${API_KEY}\n  \
                    SECRET_KEY_FILE: /run/secrets/key\nvolumes:\n  - data:/data\n";
        assert_eq!(compose(text), Vec::<String>::new());
    }

    #[test]
    fn a_port_for_everyone_is_refused() {
        for port in ["\"8080:8080\"", "0.0.0.0:8080:8080"] {
            let found = compose(&format!("    ports:\n      - {port}\n"));
            assert_eq!(found.len(), 1, "{port}: {found:?}");
        }
    }

    #[test]
    fn a_secret_in_the_file_is_refused() {
        for line in ["- API_KEY=test123", "GOOGLE_CLIENT_SECRET: \"abc\""] {
            let found = compose(&format!("environment:\n  {line}\n"));
            assert_eq!(found.len(), 1, "{line}: {found:?}");
        }
    }
}
