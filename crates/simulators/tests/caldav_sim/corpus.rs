//! The CalDAV simulator keeps every shape of object, byte for byte.

use jiff::civil::date;
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use testkit::{RawDav, corpus};

#[tokio::test]
async fn every_object_of_the_corpus_is_kept_as_it_came() {
    let sim = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    let dav = RawDav::new(sim.url(), "alice", "alicepw");
    let items = corpus(date(2026, 11, 22));
    for item in &items {
        let path = format!("/dav/calendars/alice/work/{}.ics", item.name);
        let put = dav.put(&path, &item.ics).await;
        assert_eq!(put.status, 201, "{}", item.name);
    }
    let stored = sim.objects("alice", "work");
    assert_eq!(stored.len(), items.len());
    for item in &items {
        let object = stored.iter().find(|o| o.uid == item.uid).unwrap();
        assert_eq!(object.ics, item.ics);
    }
}
