//! Names in a report that is passed on: what people call their accounts, calendars and mappings, in
//! whatever sentence it stands. A server's own words, and ours about it, repeat them.

use store::records::{CaldavAccount, Calendar};
use sync_engine::model::Side;
use url::Url;

use crate::error::UserError;
use crate::service::App;

/// What stands for a name that only `config.yaml` knows.
const DECLARED: &str = "(a name of config.yaml)";
/// What stands for a text between quotation marks: a name that nobody knows of.
const QUOTED: &str = "\"…\"";
/// A name of one character is nobody's, and stands in every other word.
const SHORTEST: usize = 2;

/// Names, each with what stands for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known(Vec<(String, String)>);

impl Known {
    fn add(&mut self, name: &str, shown: &str) {
        if name.chars().count() < SHORTEST {
            return;
        }
        for written in [
            name.to_owned(),
            // As it stands in an address.
            name.replace('@', "%40").replace(' ', "%20"),
        ] {
            if !self.0.iter().any(|(known, _)| *known == written) {
                self.0.push((written, shown.to_owned()));
            }
        }
    }

    /// Of several that begin the same way the longest counts.
    fn sorted(mut self) -> Self {
        self.0
            .sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        self
    }

    /// A text without them, and without whatever is quoted in it.
    pub(super) fn hidden(&self, text: &str) -> String {
        unquoted(&self.replaced(text))
    }

    /// A text with other words in place of whole names.
    fn replaced(&self, text: &str) -> String {
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let (mut shown, mut rest, mut before) = (String::new(), text, None);
        while let Some(first) = rest.chars().next() {
            let found = self.0.iter().find_map(|(name, instead)| {
                let after = rest.strip_prefix(name.as_str())?;
                let inside = is_word(name.chars().next()) && is_word(before)
                    || is_word(name.chars().last()) && is_word(after.chars().next());
                (!inside).then_some((name, instead, after))
            });
            if let Some((name, instead, after)) = found {
                shown.push_str(instead);
                before = name.chars().last();
                rest = after;
            } else {
                shown.push(first);
                before = Some(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        shown
    }
}

fn unquoted(text: &str) -> String {
    let mut parts = text.split('"');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    while let Some(quoted) = parts.next() {
        if let Some(after) = parts.next() {
            shown.push_str(QUOTED);
            shown.push_str(after);
        } else {
            shown.push('"');
            shown.push_str(quoted);
        }
    }
    shown
}

impl App {
    /// Every name that there is.
    pub(super) async fn known_names(&self) -> Result<Known, UserError> {
        let mut names = Known::default();
        for account in self.google_accounts().await? {
            names.add(&account.email, account.id.as_str());
        }
        for account in self.caldav_accounts().await? {
            if !is_server(&account) {
                names.add(&account.name, account.id.as_str());
            }
            names.add(&account.username, account.id.as_str());
        }
        for side in [Side::Caldav, Side::Google] {
            for Calendar { id, facts, .. } in self.known_calendars(side, None).await? {
                names.add(&facts.name, &id);
                names.add(&facts.remote, &id);
            }
        }
        for mapping in self.mappings().await? {
            if let Some(name) = &mapping.settings.name {
                names.add(name, mapping.id.as_str());
            }
        }
        let declared = self.inner.desk.declared();
        for account in &declared.accounts {
            names.add(&account.name, DECLARED);
            names.add(&account.username, DECLARED);
        }
        for mapping in &declared.mappings {
            let calendars = [&mapping.caldav, &mapping.google];
            names.add(&mapping.name, DECLARED);
            for calendar in calendars {
                names.add(&calendar.account, DECLARED);
                names.add(&calendar.calendar, DECLARED);
            }
        }
        Ok(names.sorted())
    }
}

/// Whether an account is called by its server, as those are whom nobody gave a name.
fn is_server(account: &CaldavAccount) -> bool {
    let url = Url::parse(&account.base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    account.name.split(':').next() == Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_hidden_wherever_they_stand() {
        let mut names = Known::default();
        for (name, id) in [
            ("Ada", "cda_1"),
            ("ada@example.com", "gga_1"),
            ("Ada and Bob", "map_1"),
            ("Café", "cal_1"),
            ("x", "cal_2"),
        ] {
            names.add(name, id);
        }
        let names = names.sorted();
        for (text, shown) in [
            ("Ada and Bob is off.", "map_1 is off."),
            ("Adam asked Ada.", "Adam asked cda_1."),
            (
                "https://dav.example/ada%40example.com/",
                "https://dav.example/gga_1/",
            ),
            ("(Café)", "(cal_1)"),
            (
                "It shows no calendar \"Secret\" yet.",
                "It shows no calendar \"…\" yet.",
            ),
            ("One \" alone", "One \" alone"),
            ("x", "x"),
            ("", ""),
        ] {
            assert_eq!(names.hidden(text), shown, "{text}");
        }
    }
}
