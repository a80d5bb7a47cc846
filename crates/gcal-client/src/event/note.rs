//! What a written resource must bring back ([`Observation::note`]): of a master its lines as they
//! stand and when it takes place, of an exception the series it belongs to.
//!
//! [`Observation::note`]: sync_engine::observation::Observation::note

use serde::{Deserialize, Serialize};
use sync_engine::model::When;

/// A note. Opaque to everybody else; an unreadable one counts as none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// Of a master.
    #[serde(rename = "series")]
    Series {
        /// `recurrence` as Google shows it.
        lines: Vec<String>,
        /// When the master takes place: gives the lines their meaning.
        when: When,
    },
    /// Of an exception.
    #[serde(rename = "of")]
    Exception {
        /// The id of its series.
        series: String,
    },
}

impl Note {
    /// Text form.
    pub fn to_text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Reads the text form.
    pub fn from_text(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_survives_its_text_form() {
        let note = Note::Series {
            lines: vec!["RRULE:FREQ=DAILY".into()],
            when: When::all_day(jiff::civil::date(2026, 11, 2), None),
        };
        let text = note.to_text().unwrap();
        assert_eq!(Note::from_text(Some(&text)), Some(note));
        assert_eq!(Note::from_text(Some("[]")), None);
        assert_eq!(Note::from_text(None), None);
    }
}
