//! How values stand in columns: times as microseconds, JSON as text, numbers as SQLite's integers.
//! Pure functions, used by every module that speaks SQL.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_engine::model::time::Timestamp;

use crate::error::StoreError;

/// A time as stored. Anything finer than a microsecond is cut off.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A stored time.
pub(crate) fn timestamp(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Unreadable {
        what: "time",
        detail: "it is out of range".to_owned(),
    })
}

/// A stored time that may be missing.
pub(crate) fn maybe_timestamp(micros: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    micros.map(timestamp).transpose()
}

/// A count as stored. What does not fit saturates: SQLite counts in `i64`.
pub(crate) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A stored count.
pub(crate) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// A stored count that fits 32 bits.
pub(crate) fn small_count(stored: i64) -> u32 {
    u32::try_from(stored.max(0)).unwrap_or(u32::MAX)
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize + ?Sized>(
    what: &'static str,
    value: &T,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unreadable(what, &error))
}

/// A value from JSON text.
pub(crate) fn from_json<T: DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// A unit-like enum as the bare word that serde gives it.
pub(crate) fn to_word<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(_) => Err(StoreError::Unreadable {
            what,
            detail: "it is no plain word".to_owned(),
        }),
        Err(error) => Err(unreadable(what, &error)),
    }
}

/// A unit-like enum from its word.
pub(crate) fn from_word<T: DeserializeOwned>(
    what: &'static str,
    word: &str,
) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|error| unreadable(what, &error))
}

/// A list of names as a JSON array, for `IN (SELECT value FROM json_each(?))`.
pub(crate) fn name_list<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<String, StoreError> {
    to_json("list of names", &names.into_iter().collect::<Vec<_>>())
}

fn unreadable(what: &'static str, error: &serde_json::Error) -> StoreError {
    // serde's messages quote values; category and place say enough and quote nothing.
    StoreError::Unreadable {
        what,
        detail: format!(
            "{:?} error at line {} column {}",
            error.classify(),
            error.line(),
            error.column()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_microseconds() {
        let at: Timestamp = "2026-11-22T19:00:00.123456Z".parse().unwrap();
        assert_eq!(timestamp(micros(at)).unwrap(), at);
        assert_eq!(micros(Timestamp::MAX), Timestamp::MAX.as_microsecond());
    }

    #[test]
    fn an_unreadable_value_is_not_quoted() {
        let error = from_json::<u32>("number", "\"hunter2\"").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
