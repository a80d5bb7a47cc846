//! One rich event on one server, changed step by step: what every step is held to.

use std::collections::BTreeSet;

use caldav_client::Calendar;
use sync_engine::model::{Caldav, ComponentKey, Series};
use sync_engine::observation::Observation;
use sync_engine::ports::{Change, ComponentChange, SidePort as _, Target, Update, Written};
use testkit::{CountingProxy, RawDav};

use crate::common::{account, now, observed, projected, resource, said, work};

/// A weekly series with everything that programs add, and an override with an alarm of its own.
const RICH: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n\
    BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:DAYLIGHT\r\nDTSTART:19810329T020000\r\n\
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\n\
    END:DAYLIGHT\r\nBEGIN:STANDARD\r\nDTSTART:19961027T030000\r\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\n\
    END:STANDARD\r\nEND:VTIMEZONE\r\n\
    BEGIN:VEVENT\r\nUID:rich\r\nDTSTAMP:20261101T000000Z\r\nLAST-MODIFIED:20261102T000000Z\r\n\
    DTSTART;TZID=Europe/Berlin:20261201T090000\r\nDTEND;TZID=Europe/Berlin:20261201T100000\r\n\
    RRULE:FREQ=WEEKLY\r\nSUMMARY:Planning\r\nLOCATION:Room 1\r\nDESCRIPTION:Agenda\r\n\
    ORGANIZER;CN=Alice:mailto:alice@example.org\r\n\
    ATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:mailto:alice@example.org\r\n\
    ATTENDEE;CN=\"Carol: of sales\";PARTSTAT=NEEDS-ACTION:mailto:carol@example.org\r\n\
    CATEGORIES:Work,Plans\r\nGEO:52.5;13.4\r\nX-APPLE-STRUCTURED-LOCATION;X-TITLE=Room:geo:52.5,13.4\r\n\
    X-ALT-DESC;FMTTYPE=text/html:<b>Agenda</b>\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\n\
    X-MICROSOFT-CDO-ALLDAYEVENT:FALSE\r\nX-CUSTOM;X-P=\"a;b\":kept\r\n\
    BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Soon\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:rich\r\nDTSTAMP:20261101T000000Z\r\nLAST-MODIFIED:20261103T000000Z\r\n\
    RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000\r\n\
    DTSTART;TZID=Europe/Berlin:20261208T140000\r\nDTEND;TZID=Europe/Berlin:20261208T150000\r\n\
    SUMMARY:Planning\\, late\r\nX-OVERRIDE:its own\r\n\
    BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Now\r\nTRIGGER:PT0S\r\nEND:VALARM\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

/// What every edit may write anew.
const OURS: [&str; 4] = ["DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "CREATED"];
/// Lines without folds, with how often each stands there.
fn unfolded(text: &str) -> Vec<String> {
    let text = text
        .replace("\r\n", "\n")
        .replace("\n ", "")
        .replace("\n\t", "");
    text.lines().map(str::to_owned).collect()
}

fn name(line: &str) -> &str {
    line.split([':', ';']).next().unwrap()
}

/// Names of the lines of `before` that `after` lacks.
fn gone(before: &str, after: &str) -> BTreeSet<String> {
    let mut left = unfolded(after);
    let mut gone = BTreeSet::new();
    for line in unfolded(before) {
        match left.iter().position(|other| *other == line) {
            Some(at) => drop(left.swap_remove(at)),
            None => drop(gone.insert(name(&line).to_owned())),
        }
    }
    gone
}

pub(super) struct Bench {
    pub(super) calendar: Calendar,
    pub(super) proxy: CountingProxy,
    pub(super) dav: RawDav,
    pub(super) path: String,
    pub(super) seen: Observation<Caldav>,
}

impl Bench {
    pub(super) async fn start(url: &str, dav: RawDav, path: &str) -> Self {
        let proxy = CountingProxy::start(url);
        let _ = dav.put(&format!("{path}rich.ics"), RICH).await;
        let account = account(proxy.url());
        let calendar = account.open(&work(&account).await, now()).unwrap();
        let seen = observed(&calendar, "rich.ics").await;
        Self {
            calendar,
            proxy,
            dav,
            path: path.to_owned(),
            seen,
        }
    }

    /// One change: one PUT, conditional; what is read back is what was wanted; of what stood there
    /// only lines of these names (and our stamps) are gone; nobody is invited.
    pub(super) async fn change(
        &mut self,
        what: &str,
        may_go: &[&str],
        change: impl FnOnce(&mut Series) -> Vec<(ComponentKey, Change)>,
    ) {
        let path = format!("{}rich.ics", self.path);
        let before = self.dav.get(&path).await.unwrap().body;
        let mut wanted = said(&self.seen).clone();
        let changes = change(&mut wanted);
        let update = Update {
            target: Target::Stored(resource(&self.seen)),
            series: projected(&wanted),
            changes: changes
                .into_iter()
                .map(|(key, change)| ComponentChange { key, change })
                .collect(),
            tag: None,
        };
        self.proxy.clear_log();
        let seen = match self.calendar.update(&update).await.unwrap() {
            Written::Done(seen) => *seen,
            Written::Unproven { now: Some(now), .. } => *now,
            other => panic!("{what}: {other:?}"),
        };
        let log = self.proxy.log();
        let puts: Vec<_> = log
            .iter()
            .filter(|request| request.method == "PUT")
            .collect();
        assert_eq!(puts.len(), 1, "{what}");
        let sent = &puts[0].body;
        let mut expected = wanted.master.clone().unwrap();
        if let Some(recurrence) = &mut expected.recurrence {
            *recurrence = recurrence.normalized(&expected.when);
        }
        wanted.master = Some(expected);
        assert_eq!(said(&seen), &wanted, "{what}:\n{sent}");
        let gone = gone(&before, sent);
        let allowed: BTreeSet<String> =
            OURS.iter().chain(may_go).map(|&name| name.into()).collect();
        assert!(
            gone.is_subset(&allowed),
            "{what}: {gone:?}\n{before}\n{sent}"
        );
        let people = |text: &str| {
            let lines = unfolded(text);
            lines
                .iter()
                .filter(|line| ["ATTENDEE", "ORGANIZER"].contains(&name(line)))
                .count()
        };
        assert!(people(sent) <= people(&before), "{what}");
        self.seen = seen;
    }
}
