//! `backup` and `restore`: while the program runs, into an empty folder, and a week later.

use std::path::Path;

use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};

use super::ended;
use crate::common::{KEY, Program, Stage, event, said};

fn source(titles: &[(&str, &str)]) -> CaldavSim {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    for (hours, (name, title)) in (2..).zip(titles) {
        put(&source, name, title, hours);
    }
    source
}

fn put(source: &CaldavSim, name: &str, title: &str, hours: i64) {
    let file = format!("{name}.ics");
    source.put("alice", "work", &file, &event(name, title, hours));
}

#[cfg(unix)]
fn mode(file: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

/// The mapping, which must wait for somebody's word and write nothing meanwhile.
async fn waits(stage: &Stage, mapping: &str) {
    let api = stage.api();
    let shown = api.get(&format!("/mappings/{mapping}")).await;
    assert_eq!(shown["awaits_confirmation"], true, "{shown:#}");
    assert_eq!(shown["enabled"], true, "{shown:#}");
    let asked = json!({ "mapping_id": mapping, "wait": true });
    let refused = api.post_for(409, "/sync", &asked).await;
    assert_eq!(refused["code"], "mapping_restored", "{refused:#}");
    assert!(refused["action"].as_str().unwrap().contains("preview"));
    let all = api.post_for(200, "/sync?wait=true", &json!({})).await;
    assert_eq!(all["runs"], json!([]), "{all:#}");
    // No other road leads round it.
    let clean = json!({ "what": "orphans" });
    let path = format!("/mappings/{mapping}/cleanup");
    let refused = api.post_for(409, &path, &clean).await;
    assert_eq!(refused["code"], "mapping_restored", "{refused:#}");
    let resumed = json!({ "id": mapping, "enabled": true });
    let resumed = api.post_for(200, "/mappings", &resumed).await;
    assert_eq!(resumed["awaits_confirmation"], true, "{resumed:#}");
}

async fn preview(stage: &Stage, mapping: &str) -> Value {
    let path = format!("/mappings/{mapping}/preview");
    stage.api().get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_old_backup_does_nothing_unseen() {
    let source = source(&[("a", "Breakfast"), ("b", "Lunch"), ("c", "Dinner")]);
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.sqlite");
    let file = file.to_str().unwrap();
    let told = ended(&stage.run(&["backup", file]), 0);
    assert!(told.contains("key is not in it"), "{told}");

    // The week: one is new, one changes, one goes; all of it is synced.
    put(&source, "d", "Midnight snack", 9);
    put(&source, "a", "Late breakfast", 2);
    source.delete("alice", "work", "b.ics");
    stage.api().sync_well(&mapping).await;
    let now = ["Dinner", "Late breakfast", "Midnight snack"];
    assert_eq!(stage.titles(), now);

    let running = stage.run(&["restore", file]);
    let told = ended(&running, 1);
    assert!(told.contains("Stop it first"), "{told}");
    assert!(stage.down().terminate().0.success());
    let told = ended(&stage.run(&["restore", file]), 0);
    assert!(told.contains("wait until you have looked"), "{told}");
    assert!(told.contains("replaced-"), "{told}");
    stage.up();
    waits(&stage, &mapping).await;

    // What the backup does not know is understood, not undone.
    let plan = preview(&stage, &mapping).await;
    assert_eq!(plan["operations"], json!([]), "{plan:#}");
    assert_eq!(plan["held"], json!([]), "{plan:#}");
    // A plan that was not the one seen confirms nothing.
    put(&source, "e", "Tea", 11);
    let seen = json!({ "mapping_id": mapping, "plan_id": plan["plan_id"], "wait": true });
    let changed = stage.api().post_for(409, "/sync", &seen).await;
    assert_eq!(changed["code"], "plan_changed", "{changed:#}");
    waits(&stage, &mapping).await;
    let page = page(&stage, &format!("/ui/mappings/{mapping}/preview")).await;
    assert!(page.contains("Confirm: do exactly this"), "{page}");
    let home = self::page(&stage, "/ui/").await;
    assert!(home.contains("Preview and confirm"), "{home}");

    let plan = preview(&stage, &mapping).await;
    assert_eq!(plan["counts"]["insert"], 1, "{plan:#}");
    let seen = json!({ "mapping_id": mapping, "plan_id": plan["plan_id"], "wait": true });
    let done = stage.api().post_for(200, "/sync", &seen).await;
    assert_eq!(done["runs"][0]["status"], "success", "{done:#}");
    let shown = stage.api().get(&format!("/mappings/{mapping}")).await;
    assert_eq!(shown["awaits_confirmation"], false, "{shown:#}");
    let now = ["Dinner", "Late breakfast", "Midnight snack", "Tea"];
    assert_eq!(stage.titles(), now);
    // From now on it runs like any other.
    source.delete("alice", "work", "e.ics");
    stage.api().sync_well(&mapping).await;
    assert_eq!(stage.titles(), now[..3]);
}

async fn page(stage: &Stage, path: &str) -> String {
    stage.api().get(path).await.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_its_key_moves_to_an_empty_folder() {
    let source = source(&[("a", "Breakfast")]);
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.sqlite");
    let file = path.to_str().unwrap();
    ended(&stage.run(&["backup", file, "--with-key"]), 0);
    let key = folder.path().join("backup.sqlite.key");
    #[cfg(unix)]
    assert_eq!((mode(&path), mode(&key)), (0o600, 0o600));
    let secret = std::fs::read_to_string(&key).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for secret in [secret.trim(), "alicepw", "1//0", "ya29.", KEY] {
        let hit = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!hit, "{secret} is in the backup");
    }
    // Nothing is replaced unasked, and never the database itself.
    let told = ended(&stage.run(&["backup", file]), 1);
    assert!(told.contains("--force"), "{told}");
    ended(&stage.run(&["backup", file, "--force", "--with-key"]), 0);
    let live = stage.data().join("caldav_sync.db");
    ended(
        &stage.run(&["backup", live.to_str().unwrap(), "--force"]),
        1,
    );
    ended(&stage.run(&["backup", "-", "--with-key"]), 2);
    let piped = stage.run(&["backup", "-"]);
    assert!(piped.status.success(), "{}", said(&piped));
    assert!(piped.stdout.starts_with(b"SQLite format 3\0"));

    assert!(stage.down().terminate().0.success());
    stage.move_to_an_empty_folder();
    ended(&stage.run(&["restore", file]), 0);
    stage.up();
    let accounts = stage.api().get("/caldav/accounts").await;
    assert_eq!(accounts["accounts"][0]["username"], "alice", "{accounts:#}");
    // The passwords came along: the plan is made from what the servers say.
    let plan = preview(&stage, &mapping).await;
    assert_eq!(plan["operations"], json!([]), "{plan:#}");
    let seen = json!({ "mapping_id": mapping, "plan_id": plan["plan_id"], "wait": true });
    let done = stage.api().post_for(200, "/sync", &seen).await;
    assert_eq!(done["runs"][0]["status"], "success", "{done:#}");
    assert_eq!(stage.titles(), ["Breakfast"]);
}

#[test]
fn what_cannot_be_restored_is_refused_and_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    assert!(Program::serve(&data, &[].into()).terminate().0.success());
    let environment = [("DATA_DIR", data.to_str().unwrap())];
    let run = |arguments: &[&str]| Program::run(arguments, &environment);
    let file = folder.path().join("backup.sqlite");
    let file = file.to_str().unwrap();
    ended(&run(&["backup", file]), 0);
    let before = std::fs::read(data.join("caldav_sync.db")).unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "a letter, and no database of any kind at all").unwrap();
    let told = ended(&run(&["restore", text.to_str().unwrap()]), 1);
    assert!(told.contains("Nothing was changed"), "{told}");
    ended(&run(&["restore", "/nowhere/backup"]), 1);
    // The key of another installation.
    let other = folder.path().join("other.key");
    std::fs::write(&other, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
    let other = other.to_str().unwrap();
    let told = ended(&run(&["restore", file, "--key", other]), 78);
    assert!(told.contains("another key"), "{told}");
    assert_eq!(std::fs::read(data.join("caldav_sync.db")).unwrap(), before);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let nothing = [("DATA_DIR", empty.to_str().unwrap())];
    ended(&Program::run(&["backup", "x"], &nothing), 78);
    let told = ended(&Program::run(&["restore", file], &nothing), 78);
    assert!(told.contains("--key FILE"), "{told}");
}
