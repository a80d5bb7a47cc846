//! Called off on CalDAV while somebody edited it at Google: the policy decides. If the edit wins, the
//! event stands again on CalDAV first, and what was edited follows.

use super::Plan;
use super::contest::{Contest, Ruling, made, whole};
use super::one_way::keep_if_new;
use super::operation::{ActionKind, Reason};
use super::party::{self, echo, every, projected};
use super::two_way::{Flows, note_conflicts};
use super::{Group, SeriesInput, Weight};
use crate::diff::{self, Standing};
use crate::model::{
    Caldav, ComponentKey, Field, FieldSet, Google, Sensitivity, Side, SideTag, Status,
};
use crate::ports::side::{Change, ComponentChange, Update};
use crate::row::Row;
use crate::snapshot::Snapshot;

/// Whether the edit stands, or a person has to say: then all is planned. Else the event is off.
pub(super) fn stands(
    flows: &Flows<'_>,
    input: &SeriesInput,
    row: &mut Row,
    c: &Snapshot<Caldav>,
    g: &Snapshot<Google>,
    plan: &mut Plan,
) -> bool {
    let agreed = echo::<Google>(row);
    let off = c
        .series
        .master
        .as_ref()
        .filter(|master| master.status == Status::Cancelled);
    let Some(off) = off.filter(|_| !agreed.is_empty() && agreed != g.series) else {
        return false;
    };
    let key = ComponentKey::Master;
    let now = flows.input.now;
    let base = whole(&agreed);
    let since = plan.conflicts.len();
    let ruling = Contest {
        flows,
        row,
        key,
        caldav: Standing::Cancelled,
        google: whole(&g.series),
        base: (base != Standing::Nothing).then_some(base),
        times: (made(row, c, &key, now), made(row, g, &key, now)),
        fixed: None,
        edit: None,
    }
    .settle(&FieldSet::new(), plan);
    note_conflicts(row, since, plan);
    match ruling {
        Ruling::All(Side::Caldav) => return false,
        Ruling::Open => {
            keep_if_new(input, row.clone(), plan);
            return true;
        }
        Ruling::All(Side::Google) | Ruling::Each(_) => {}
    }
    let mut series = c.series.clone();
    if let Some(master) = &mut series.master {
        master.status = echo::<Caldav>(row)
            .master
            .map_or(Status::Confirmed, |before| before.status);
    }
    let Some(target) = super::steps::target(c, &key) else {
        return false;
    };
    let set: FieldSet = [Field::Status].into();
    let told = series
        .master
        .as_ref()
        .map(|master| diff::changes(Some(off), master, &set))
        .unwrap_or_default();
    let account = flows.caldav.account(
        row,
        key,
        &series,
        ActionKind::Update,
        Reason::Conflict,
        told,
    );
    let mut step = super::flow::Flow::<Caldav>::update(
        row,
        Update {
            target,
            series: projected(series),
            changes: vec![ComponentChange {
                key,
                change: Change::Set(set),
            }],
            tag: None,
        },
        &c.series,
        Vec::new(),
        account,
    );
    // What else was changed there meanwhile has yet to cross.
    let mut others = every();
    others.remove(&Field::Status);
    step.spare(vec![(key, Some(others))]);
    plan.groups.push(Group {
        row: row.clone(),
        steps: vec![step],
        finally: Vec::new(),
        again: true,
        weight: Weight::Light,
        due: None,
    });
    true
}

/// A copy `y` was edited, and goes all the same because its original `x` is to be left out by now: the
/// edit is put on record. Of a private event no words are.
pub(super) fn left_out<X: SideTag, Y: SideTag>(
    flows: &Flows<'_>,
    row: &Row,
    x: &Snapshot<X>,
    y: &Snapshot<Y>,
    plan: &mut Plan,
) {
    let key = ComponentKey::Master;
    let now = flows.input.now;
    let open = super::contest::tells_all(flows.input, &[&x.series])
        && x.series
            .master
            .as_ref()
            .is_none_or(|master| master.sensitivity == Sensitivity::Public);
    let edited = match whole(&y.series) {
        Standing::Own(fields) if !open => {
            let mut fields = fields;
            for field in party::texts() {
                diff::clear(field, &mut fields);
            }
            Standing::Own(fields)
        }
        edited => edited,
    };
    let (caldav, google, times) = match X::SIDE {
        Side::Caldav => (
            Standing::Nothing,
            edited,
            (made(row, x, &key, now), made(row, y, &key, now)),
        ),
        Side::Google => (
            edited,
            Standing::Nothing,
            (made(row, y, &key, now), made(row, x, &key, now)),
        ),
    };
    let why = "It is left out by this mapping's settings for declined and private events.";
    Contest {
        flows,
        row,
        key,
        caldav,
        google,
        base: None,
        times,
        fixed: Some((X::SIDE, why)),
        edit: None,
    }
    .settle(&FieldSet::new(), plan);
}
