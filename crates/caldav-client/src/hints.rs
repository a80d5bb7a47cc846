//! What people can do about a failure, in words. The one place that looks at a host's *name*: it
//! changes what is said, never what is done.

/// Services that want a password made for the purpose, by their domain.
const APP_PASSWORDS: [(&[&str], &str); 4] = [
    (
        &["icloud.com", "me.com", "mac.com"],
        "iCloud wants an app-specific password: make one at account.apple.com under Sign-In and Security, and enter your Apple Account's email address as the user name.",
    ),
    (
        &["fastmail.com", "fastmail.fm", "messagingengine.com"],
        "Fastmail wants an app password: make one under Settings, Privacy & Security, with access to calendars, and enter your full email address as the user name.",
    ),
    (
        &["yahoo.com"],
        "Yahoo wants an app password: make one under Account Security.",
    ),
    (
        &["google.com", "googleusercontent.com", "gmail.com"],
        "Google takes no passwords here: add the calendar on the Google side instead.",
    ),
];

/// What to do when sign-in is refused.
pub(crate) fn unauthorized(host: &str) -> String {
    for (domains, hint) in APP_PASSWORDS {
        if domains.iter().any(|domain| is_under(host, domain)) {
            return hint.to_owned();
        }
    }
    "Check user name and password. If you sign in with two factors, make an app password at your provider and enter that.".to_owned()
}

/// What to do when nothing, or no CalDAV, is found at an address.
pub(crate) fn not_caldav(host: &str) -> String {
    if is_under(host, "icloud.com") {
        return "For iCloud enter https://caldav.icloud.com.".to_owned();
    }
    if is_under(host, "fastmail.com") {
        return "For Fastmail enter https://caldav.fastmail.com.".to_owned();
    }
    "Check the address. Your provider's help names it as \"CalDAV server\" or \"CalDAV URL\"; it often ends in /dav or /caldav.".to_owned()
}

/// What to do when a server cannot be reached.
pub fn unreachable(error: &outbound::Error) -> String {
    match error {
        outbound::Error::Resolve { .. } => {
            "Check the spelling of the server's name, and this machine's DNS."
        }
        outbound::Error::Connect { .. } => {
            "Check address and port, that the server runs, and that no firewall is between. Inside a container, localhost is the container itself."
        }
        outbound::Error::Certificate { .. } => {
            "Mend the server's certificate, and check this machine's clock. If an authority of your own signed it, add that one to this machine's trust store (or name it in SSL_CERT_FILE). If the server itself shows you this very fingerprint, you can trust exactly this certificate: on the account's page, or as trusted_fingerprint of the account in the API or in config.yaml."
        }
        outbound::Error::CertificateChanged { why: Some(_), .. } => {
            "If you renewed the certificate, and the server itself shows you the new fingerprint, trust the new one in place of the old: on the account's page, or as trusted_fingerprint of the account in the API or in config.yaml. If you did not, leave everything as it is and find out who answers there: it may be somebody who wants the password."
        }
        outbound::Error::CertificateChanged { why: None, .. } => {
            "This machine's own check accepts the new certificate. If you know why the server has it, forget the trusted one: on the account's page, or by taking trusted_fingerprint from the account in the API or in config.yaml. If you do not, find out first."
        }
        outbound::Error::Tls { .. } => {
            "Check the port of the address, and what the server's log says about TLS."
        }
        outbound::Error::Timeout { .. } | outbound::Error::Broken { .. } => {
            "It is tried again later. If it stays so, look at the server and what is between."
        }
        outbound::Error::Forbidden { .. } => {
            "Enter the address at which the calendars really are; private addresses must be entered by hand, and some are never connected to."
        }
        outbound::Error::TooLarge { .. } => {
            "Split the calendar, or remove its largest attachments."
        }
        outbound::Error::TooManyRedirects { .. } | outbound::Error::Redirect { .. } => {
            "Mend the server's redirects, or enter the address they should lead to."
        }
        _ => "Check the address.",
    }
    .to_owned()
}

fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_go_by_domain() {
        assert!(unauthorized("caldav.icloud.com").contains("app-specific"));
        assert!(unauthorized("caldav.fastmail.com").contains("app password"));
        assert!(!unauthorized("noticloud.com").contains("iCloud"));
        assert!(not_caldav("www.icloud.com").contains("caldav.icloud.com"));
        assert!(not_caldav("nas.lan").contains("/dav"));
    }
}
