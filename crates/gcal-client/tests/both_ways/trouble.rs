//! What goes wrong: lost answers, refusals, dead tokens, people who are quicker, a program that
//! dies, a clock that jumps.

use jiff::SignedDuration;
use serde_json::json;
use simulators::google::{Action, DEFAULT_ACCOUNT, Fault, PersonEdit};
use sync_engine::memory::Fault as DavFault;

use super::dice::Dice;
use super::world::{Both, tell};

/// One trouble, on either side.
pub(crate) fn strike(dice: &mut Dice, both: &Both) {
    let sim = &both.world.sim;
    let methods = [
        "events.insert",
        "events.patch",
        "events.patch",
        "events.delete",
        "events.update",
        "events.list",
        "events.get",
        "token",
    ];
    let method = *dice.pick(&methods);
    let nth = 1 + dice.small(4);
    let kind = dice.roll(20);
    tell(&format!("trouble {kind} {method} {nth}"));
    match kind {
        0 | 1 => sim.fault(Fault::lost_answer(method).nth(nth)),
        2 => sim.fault(Fault::status(method, 503, "backendError").nth(nth).times(3)),
        3 => sim.fault(Fault::status("events.patch", 400, "invalid").nth(nth)),
        4 => sim.fault(Fault::status("events.insert", 400, "invalid").nth(nth)),
        5 => sim.expire_sync_tokens(),
        6 | 7 => both.store.break_after(dice.small(14)),
        8 => sim.expire_access_tokens(),
        9 => sim.fault(Fault::status(method, 403, "rateLimitExceeded").nth(nth)),
        10 => sim.fault(Fault::status("events.patch", 403, "quotaExceeded").nth(nth)),
        11 => sim.fault(Fault::before(method, Action::Truncate { keep: 40 }).nth(nth)),
        12 => sim.fault(Fault::before(method, Action::Html { status: 502 }).nth(nth)),
        13 => both.dav.fail_after(dice.small(8), DavFault::Lost),
        14 => both.dav.fail_after(dice.small(8), DavFault::AnswerLost),
        15 => both.dav.fail_after(dice.small(8), DavFault::Refused),
        16 => both.dav.expire(),
        17 => both.dav.ambush(dice.small(4)),
        18 => sim.advance(SignedDuration::from_hours(i64::from(dice.small(30)))),
        _ => ambush(dice, both, nth),
    }
}

/// Somebody edits at Google right before a write of ours.
fn ambush(dice: &mut Dice, both: &Both, nth: u32) {
    let alive: Vec<String> = both
        .google_events()
        .iter()
        .filter(|event| event["status"] != "cancelled")
        .filter_map(|event| event["id"].as_str().map(str::to_owned))
        .collect();
    if alive.is_empty() {
        return;
    }
    let edit = PersonEdit {
        account: DEFAULT_ACCOUNT.to_owned(),
        calendar: DEFAULT_ACCOUNT.to_owned(),
        op: "patch".to_owned(),
        id: dice.pick(&alive).clone(),
        body: json!({"summary": format!("By hand {}", dice.roll(1000))}),
    };
    let fault = Fault::before("events.patch", Action::AsUser(edit)).nth(nth);
    both.world.sim.fault(fault);
}
