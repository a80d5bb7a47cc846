//! The certificate of an account's server in the account's form: what was trusted, and what it shows
//! now. There is nothing to choose until one of the two is known.

use app::UserError;
use maud::{Markup, html};

use crate::pages::widgets::{Radio, Radios};

/// The field, as the API names it.
pub(super) const FIELD: &str = "trusted_fingerprint";

/// The choice: nobody by itself, the one trusted so far, the one that is shown now.
pub(super) fn choice(typed: &str, stored: Option<&str>, error: Option<&UserError>) -> Markup {
    let shown = shown(error);
    let mut known: Vec<(&str, &str, String)> = Vec::new();
    if let Some(shown) = shown {
        let advice = "Compare it with the server's own (openssl x509 -noout -fingerprint -sha256 \
                      -in FILE), and trust it only if they are the same.";
        known.push((
            shown,
            "Trust the certificate it shows now",
            format!("{shown}. {advice}"),
        ));
    }
    for (trusted, label) in [
        (
            stored.unwrap_or_default(),
            "Only the certificate trusted so far",
        ),
        (typed, "Only the certificate chosen before"),
    ] {
        if !trusted.is_empty() && known.iter().all(|(value, _, _)| *value != trusted) {
            let hint = format!("{trusted}. Any other is refused, whoever signed it.");
            known.push((trusted, label, hint));
        }
    }
    if known.is_empty() {
        return html! {};
    }
    let mut options = vec![Radio {
        value: "",
        label: "What this machine trusts",
        hint: "Certificates signed by an authority of its trust store.",
    }];
    let known = known
        .iter()
        .map(|(value, label, hint)| Radio { value, label, hint });
    options.extend(known);
    html! {
        (Radios {
            name: FIELD, legend: "The server's certificate", hint: None,
            value: typed, options: &options, error,
        })
    }
}

/// The fingerprint of the certificate that is the trouble.
pub(super) fn shown(error: Option<&UserError>) -> Option<&str> {
    error?.extra.get("fingerprint")?.as_str()
}
