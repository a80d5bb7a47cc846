//! Identity by proof: the names we choose for what we write, and how they prove where it came from.
//!
//! A copy's id is a hash of the pair of calendars, the source's UID, the recurrence id if it stands
//! alone, and a generation. The origin tag beside it is only the address: it says which inputs to
//! hash. People copy tags (duplicating an event does); nobody copies an id, so a tag counts only on
//! the id it gives. The UID enters the tag as a hash keyed by the pair: a privacy rule may forbid
//! the UID itself to leave (P9).

use data_encoding::{BASE32HEX_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{Caldav, CalendarId, Google, RecurrenceId, ResourceId, Side, SideTag, Uid};
use crate::observation::Observation;

/// What every id made here begins with. At Google only `a`–`v` and digits are allowed.
pub const ID_PREFIX: &str = "cds1";
/// What every CalDAV UID made here ends with.
const UID_SUFFIX: &str = "@caldav-sync";

/// Stands for the two calendars of a mapping: the same after a reinstall, whatever ids the
/// database gave them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PairKey(String);

impl PairKey {
    /// Hashes the CalDAV calendar's URL and the Google calendar's id.
    pub fn new(caldav: &CalendarId<Caldav>, google: &CalendarId<Google>) -> Self {
        Self(digest("pair", &[caldav.as_str(), google.as_str()], 16))
    }

    /// The key as lower-case hexadecimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The address of a copy: what to hash to get the id it must stand on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginTag {
    /// The pair of calendars it was written for.
    pub pair: PairKey,
    /// The source's UID, hashed with the pair key.
    pub uid_hash: String,
    /// The occurrence, where a copy stands for one alone.
    pub recurrence_id: Option<RecurrenceId>,
    /// How often the id had to be changed because its predecessor was used up.
    pub generation: u32,
    /// Whose copy it was when its id was made, where another mapping took it over since.
    #[serde(default)]
    pub born: Option<Born>,
}

/// The pair and the UID that gave a copy its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Born {
    /// The pair of calendars.
    pub pair: PairKey,
    /// The source's UID, hashed with that pair key.
    pub uid_hash: String,
}

impl OriginTag {
    /// The tag of the copy of `uid` in `pair`.
    pub fn new(
        pair: &PairKey,
        uid: &Uid,
        recurrence_id: Option<RecurrenceId>,
        generation: u32,
    ) -> Self {
        Self {
            pair: pair.clone(),
            uid_hash: Self::hash_of(pair, uid),
            recurrence_id,
            generation,
            born: None,
        }
    }

    /// The tag of this very copy once another pair feeds it: the id stays as it was made.
    #[must_use]
    pub fn handed_over(&self, pair: &PairKey, uid: &Uid) -> Self {
        let born = self.born.clone().unwrap_or_else(|| Born {
            pair: self.pair.clone(),
            uid_hash: self.uid_hash.clone(),
        });
        Self {
            pair: pair.clone(),
            uid_hash: Self::hash_of(pair, uid),
            recurrence_id: self.recurrence_id,
            generation: self.generation,
            born: Some(born),
        }
    }

    /// How a tag of `pair` names `uid`.
    pub fn hash_of(pair: &PairKey, uid: &Uid) -> String {
        digest("uid", &[pair.as_str(), uid.as_str()], 16)
    }

    /// The Google event id this tag gives (`^[a-v0-9]{5,1024}$`).
    pub fn google_id(&self) -> ResourceId<Google> {
        ResourceId::new(format!("{ID_PREFIX}{}", self.hashed()))
    }

    /// The CalDAV UID this tag gives.
    pub fn caldav_uid(&self) -> Uid {
        Uid::new(format!("{ID_PREFIX}{}{UID_SUFFIX}", self.hashed()))
    }

    /// The last path segment of the CalDAV object this tag gives.
    pub fn caldav_name(&self) -> String {
        format!("{ID_PREFIX}{}.ics", self.hashed())
    }

    /// Whether a Google event with this id is the copy this tag speaks of.
    pub fn proves_google(&self, id: &ResourceId<Google>) -> bool {
        self.google_id() == *id
    }

    /// Whether a CalDAV object with this UID is the copy this tag speaks of.
    pub fn proves_caldav(&self, uid: &Uid) -> bool {
        self.caldav_uid() == *uid
    }

    /// Whether this observation is the copy this tag speaks of: it stands on the name the tag gives.
    pub fn proves<S: SideTag>(&self, observation: &Observation<S>) -> bool {
        match S::SIDE {
            Side::Caldav => self.caldav_uid() == observation.uid,
            Side::Google => self.google_id().as_str() == observation.resource.as_str(),
        }
    }

    /// Text form, for an extended property or an X- property: `1;pair;uid hash;generation` and,
    /// where it stands alone, `;recurrence id`; then, where it was handed over, `;pair;uid hash` that
    /// gave its id.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "1;{};{};{}",
            self.pair.as_str(),
            self.uid_hash,
            self.generation
        );
        if let Some(id) = &self.recurrence_id {
            text.push(';');
            text.push_str(&id.to_string());
        }
        if let Some(born) = &self.born {
            if self.recurrence_id.is_none() {
                text.push(';');
            }
            for part in [born.pair.as_str(), &born.uid_hash] {
                text.push(';');
                text.push_str(part);
            }
        }
        text
    }

    /// Reads the text form; `None` for anything that is not one.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > 200 {
            return None;
        }
        let mut parts = text.split(';');
        if parts.next()? != "1" {
            return None;
        }
        let hex = |part: &str| {
            (part.len() == 32 && HEXLOWER.decode(part.as_bytes()).is_ok()).then(|| part.to_owned())
        };
        let pair = PairKey(hex(parts.next()?)?);
        let uid_hash = hex(parts.next()?)?;
        let generation = parts.next()?.parse().ok()?;
        let recurrence_id = match parts.next() {
            None | Some("") => None,
            Some(id) if id.contains('T') => Some(RecurrenceId::Wall(id.parse().ok()?)),
            Some(id) => Some(RecurrenceId::Date(id.parse().ok()?)),
        };
        let born = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(pair), Some(uid_hash)) => Some(Born {
                pair: PairKey(hex(pair)?),
                uid_hash: hex(uid_hash)?,
            }),
            (Some(_), None) => return None,
        };
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            pair,
            uid_hash,
            recurrence_id,
            generation,
            born,
        })
    }

    fn hashed(&self) -> String {
        let id = self
            .recurrence_id
            .map(|id| id.to_string())
            .unwrap_or_default();
        let (pair, uid_hash) = match &self.born {
            Some(born) => (&born.pair, &born.uid_hash),
            None => (&self.pair, &self.uid_hash),
        };
        let mut hash = Sha256::new();
        for part in [
            "copy",
            pair.as_str(),
            uid_hash,
            &id,
            &self.generation.to_string(),
        ] {
            part_of(&mut hash, part);
        }
        BASE32HEX_NOPAD
            .encode(&hash.finalize())
            .to_ascii_lowercase()
    }
}

/// The first `bytes` of a hash over `parts`, as lower-case hexadecimal.
fn digest(kind: &str, parts: &[&str], bytes: usize) -> String {
    let mut hash = Sha256::new();
    part_of(&mut hash, kind);
    for part in parts {
        part_of(&mut hash, part);
    }
    HEXLOWER.encode(hash.finalize().get(..bytes).unwrap_or_default())
}

/// Feeds one part with its length, so that no two lists of parts give the same bytes.
fn part_of(hash: &mut Sha256, part: &str) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag() -> OriginTag {
        let pair = PairKey::new(
            &CalendarId::new("https://dav.example/alice/work/"),
            &CalendarId::new("alice@example.com"),
        );
        OriginTag::new(&pair, &Uid::new("one@example.com"), None, 0)
    }

    #[test]
    fn an_id_is_legal_at_google_and_proves_its_tag() {
        let tag = tag();
        let id = tag.google_id();
        assert!(
            id.as_str()
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v'))
        );
        assert!(tag.proves_google(&id));
    }

    #[test]
    fn a_tag_on_another_id_proves_nothing() {
        let next = OriginTag {
            generation: 1,
            ..tag()
        };
        assert!(!tag().proves_google(&next.google_id()));
        assert!(!tag().proves_caldav(&next.caldav_uid()));
    }

    #[test]
    fn a_tag_survives_its_text_form_and_never_holds_the_uid() {
        let alone = OriginTag {
            recurrence_id: Some(RecurrenceId::Wall(jiff::civil::datetime(
                2026, 12, 1, 9, 30, 0, 0,
            ))),
            ..tag()
        };
        for tag in [tag(), alone] {
            assert_eq!(OriginTag::from_text(&tag.to_text()), Some(tag.clone()));
            assert!(!tag.to_text().contains("one@example"));
        }
        assert_eq!(OriginTag::from_text("1;x;y;0"), None);
        let other = PairKey("0".repeat(32));
        let handed = tag().handed_over(&other, &Uid::new("two"));
        assert_eq!(
            OriginTag::from_text(&handed.to_text()),
            Some(handed.clone())
        );
        assert!(handed.proves_google(&tag().google_id()), "its id stays");
        assert_eq!(
            handed.uid_hash,
            OriginTag::hash_of(&other, &Uid::new("two"))
        );
    }
}
