//! Paging: Google cuts pages before it filters, so a page may be short or
//! empty while another follows. The order is kept by a sort key in the token,
//! so writes between two pages neither repeat nor lose an item.

use super::error::ApiError;
use super::token::{self, PageToken};

/// What is being paged and how.
#[derive(Debug)]
pub(super) struct Pager {
    pub(super) key: [u8; 32],
    /// Method, account and calendar.
    pub(super) of: String,
    /// Hash of the whole query.
    pub(super) query: String,
    pub(super) size: usize,
    /// Change log position at the first page.
    pub(super) seq: u64,
    after: Option<(i64, String)>,
}

/// An item's place in the order.
pub(super) type Place = (i64, String);

impl Pager {
    /// Reads the page token, if any; `now` is the present change log position.
    pub(super) fn open(
        key: [u8; 32],
        of: String,
        query: String,
        size: usize,
        now: u64,
        given: Option<&str>,
    ) -> Result<Self, ApiError> {
        let Some(given) = given else {
            return Ok(Self {
                key,
                of,
                query,
                size,
                seq: now,
                after: None,
            });
        };
        let token = token::open::<PageToken>(&key, given)
            .filter(|token| token.kind == "page" && token.of == of && token.query == query)
            .ok_or_else(|| {
                ApiError::invalid("Invalid page token value.").at("parameter", "pageToken")
            })?;
        Ok(Self {
            key,
            of,
            query,
            size,
            seq: token.seq,
            after: Some(token.after),
        })
    }

    pub(super) const fn is_first(&self) -> bool {
        self.after.is_none()
    }

    /// Sorts, cuts this page out and says where the next one starts.
    pub(super) fn cut<T>(&self, mut items: Vec<(Place, T)>) -> (Vec<T>, Option<String>) {
        items.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(after) = &self.after {
            items.retain(|(place, _)| place > after);
        }
        let more = items.len() > self.size;
        items.truncate(self.size);
        let next = items.last().filter(|_| more).map(|(place, _)| {
            token::seal(
                &self.key,
                &PageToken {
                    kind: "page".to_owned(),
                    of: self.of.clone(),
                    query: self.query.clone(),
                    seq: self.seq,
                    after: place.clone(),
                },
            )
        });
        (items.into_iter().map(|(_, item)| item).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pager(token: Option<&str>) -> Result<Pager, ApiError> {
        Pager::open([0; 32], "of".into(), "q".into(), 2, 5, token)
    }

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let items = |names: &[&'static str]| -> Vec<(Place, &'static str)> {
            names.iter().map(|n| ((0, (*n).to_owned()), *n)).collect()
        };
        let (page, next) = pager(None).unwrap().cut(items(&["c", "a", "b", "e"]));
        assert_eq!(page, ["a", "b"]);
        // Between the pages `a` goes and `d` comes.
        let second = pager(next.as_deref()).unwrap();
        assert_eq!(second.seq, 5);
        let (page, next) = second.cut(items(&["b", "c", "d"]));
        assert_eq!((page, next), (vec!["c", "d"], None));
        assert!(pager(Some("garbage")).is_err());
    }
}
