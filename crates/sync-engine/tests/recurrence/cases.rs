//! The tables of `tests/data`; how to read them is written at their heads.

use sync_engine::model::time::Timestamp;
use sync_engine::recurrence::{Cut, Limits, series_occurrences};

use crate::reader::{berlin, series, shown};

struct Case<'a> {
    name: &'a str,
    event: &'a str,
    expected: &'a str,
}

fn cases(table: &str) -> Vec<Case<'_>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.split('\t');
            let mut column = || columns.next().unwrap_or_else(|| panic!("short: {line}"));
            Case {
                name: column(),
                event: column(),
                expected: column(),
            }
        })
        .collect()
}

/// What is shown instead, if it is not what is expected.
fn mistake(case: &Case<'_>) -> Option<String> {
    let mut expected: Vec<&str> = case
        .expected
        .split(',')
        .filter(|item| !item.is_empty())
        .collect();
    let more = expected.last() == Some(&"...");
    if more {
        expected.pop();
    }
    let limits = Limits {
        occurrences: if more { expected.len() } else { 100_000 },
        iterations: 1_000_000,
    };
    let series = series(case.event);
    let showing = series_occurrences(
        &series,
        &berlin(),
        (Timestamp::MIN, Timestamp::MAX),
        &limits,
    );
    let cut = if more { Cut::Occurrences } else { Cut::No };
    if showing.cut != cut {
        return Some(format!("cut: {:?}", showing.cut));
    }
    if let [only] = expected.as_slice()
        && let Some(count) = only.strip_prefix('#')
    {
        let found = showing.items.len().to_string();
        return (found != count).then_some(found);
    }
    let with_end = expected.iter().any(|item| item.contains('/'));
    let found: Vec<String> = showing
        .items
        .iter()
        .map(|item| shown(&item.when, with_end))
        .collect();
    (found != expected).then(|| found.join(","))
}

fn run(table: &str, at_least: usize) {
    let cases = cases(table);
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let mistakes: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let found = mistake(case)?;
            Some(format!(
                "{}\n  event    {}\n  expected {}\n  found    {found}",
                case.name, case.event, case.expected
            ))
        })
        .collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn the_cases_expanders_disagree_on() {
    run(include_str!("../data/recurrence-cases.tsv"), 34);
}

#[test]
fn the_rfc_clocks_calendars_ends_and_overrides() {
    run(include_str!("../data/recurrence-more.tsv"), 100);
}
