//! When runs happen: every so often, or when somebody asks; one run per mapping at a time, one
//! mapping per account at a time.
//!
//! A trigger joins the run that waits, or the one under way while it still reads (it then reads
//! again); else one follow-up is queued and shared by all later triggers. So a hundred triggers at
//! once make at most two runs. What a person asked for in particular (a plan that was seen, a
//! clean-up, an undo) is a run of its own that nobody joins.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::records::{Mapping, Run};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{AccountId, MappingId, RunId};
use sync_engine::run::Joining;
use tokio::sync::{OwnedMutexGuard, watch};

use crate::error::UserError;
use crate::service::App;
use crate::task::{Job, Task};

/// After a failure that only a person can mend, the clock asks again after this long.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct SyncRequest {
    /// One mapping; `None` means all that are switched on.
    pub mapping_id: Option<String>,
    /// Nothing but this plan of the mapping named, which a preview showed.
    pub plan_id: Option<String>,
}

/// A run that was asked for.
#[derive(Debug, Clone)]
pub struct RunHandle {
    /// Its id.
    pub id: RunId,
    /// Its mapping.
    pub mapping: MappingId,
    ended: watch::Receiver<bool>,
}

impl RunHandle {
    /// Returns when the run has ended.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        // A sender that is gone ended too.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

/// Whether a mapping runs when it is due: not when it is switched off, nor after a restore before
/// somebody has seen its plan.
pub(crate) fn may_run(mapping: &Mapping) -> Result<(), UserError> {
    if !mapping.settings.enabled {
        Err(UserError::mapping_disabled(&mapping.id))
    } else if mapping.restored_at.is_some() {
        Err(UserError::mapping_restored(&mapping.id))
    } else {
        Ok(())
    }
}

/// What waits and what is under way.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<QueueState>,
    triggering: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct QueueState {
    mappings: HashMap<MappingId, Lane>,
    accounts: HashMap<AccountId, Arc<tokio::sync::Mutex<()>>>,
    next_round: Option<Timestamp>,
}

/// One mapping's runs.
#[derive(Default)]
struct Lane {
    current: Option<Under>,
    waiting: VecDeque<Under>,
    driving: bool,
    /// After a failure that needs a person: the clock waits until then.
    patient_until: Option<Timestamp>,
    accounts: Vec<AccountId>,
}

impl Lane {
    /// Something that the run under way does not know of.
    fn changed(&mut self) {
        self.patient_until = None;
        if let Some(current) = &self.current {
            current.joining.close();
        }
    }
}

/// A run that waits or is under way.
#[derive(Clone)]
pub(crate) struct Under {
    pub(crate) job: Job,
    pub(crate) handle: RunHandle,
    /// A calendar that was read at or after this moment is not read again; `None` reads always. The
    /// clock says when its round began; whoever asks wants to see what is there now.
    pub(crate) round: Option<Timestamp>,
    /// Who may still join it while it is under way.
    pub(crate) joining: Arc<Joining>,
    pub(crate) stop: Arc<AtomicBool>,
    done: watch::Sender<bool>,
}

impl Under {
    /// Whether it does what every trigger wants, to its end.
    fn is_for_all(&self) -> bool {
        self.job == Job::DUE && !self.stop.load(Ordering::Relaxed)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops a mapping's run before its next write.
    pub(crate) fn stop(&self, mapping: &MappingId) {
        if let Some(lane) = self.lock().mappings.get(mapping) {
            for under in lane.current.iter().chain(&lane.waiting) {
                under.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Stops every run before its next write.
    pub(crate) fn stop_all(&self) {
        for lane in self.lock().mappings.values() {
            for under in lane.current.iter().chain(&lane.waiting) {
                under.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    /// A person asked for a run: no waiting after a failure.
    fn person_asked(&self, mapping: &MappingId) {
        if let Some(lane) = self.lock().mappings.get_mut(mapping) {
            lane.patient_until = None;
        }
    }

    /// A person changed or answered something: no waiting after a failure, and the run under way is
    /// of yesterday.
    pub(crate) fn person_changed(&self, mapping: &MappingId) {
        if let Some(lane) = self.lock().mappings.get_mut(mapping) {
            lane.changed();
        }
    }

    /// An account's sign-in changed: the same for its mappings.
    pub(crate) fn credentials_changed(&self, account: &AccountId) {
        for lane in self.lock().mappings.values_mut() {
            if lane.accounts.contains(account) {
                lane.changed();
            }
        }
    }

    /// How many mappings run now.
    pub(crate) fn running(&self) -> usize {
        let state = self.lock();
        let lanes = state.mappings.values();
        lanes.filter(|lane| lane.current.is_some()).count()
    }

    /// When the next round is due.
    pub(crate) fn next_round(&self) -> Option<Timestamp> {
        self.lock().next_round
    }

    fn account(&self, account: &AccountId) -> Arc<tokio::sync::Mutex<()>> {
        let mut state = self.lock();
        Arc::clone(state.accounts.entry(account.clone()).or_default())
    }
}

impl App {
    /// Asks for runs. Returns the runs that cover this request; [`RunHandle::ended`] waits for one.
    pub async fn sync(&self, request: SyncRequest) -> Result<Vec<RunHandle>, UserError> {
        let mappings = match &request.mapping_id {
            Some(id) => {
                let mapping = self.mapping(id).await?;
                if mapping.restored_at.is_none() || request.plan_id.is_none() {
                    may_run(&mapping)?;
                } else if !mapping.settings.enabled {
                    return Err(UserError::mapping_disabled(&mapping.id));
                }
                vec![mapping]
            }
            None => self.enabled_mappings().await?,
        };
        let only = match (&request.plan_id, mappings.as_slice()) {
            (None, _) => None,
            (Some(plan), [mapping]) if request.mapping_id.is_some() => {
                Some(self.same_plan(mapping, &Task::Sync, plan).await?)
            }
            (Some(_), _) => {
                return Err(UserError::invalid("mapping_id", "Say whose plan it is."));
            }
        };
        let job = Job {
            task: Task::Sync,
            only,
        };
        let mut handles = Vec::new();
        for mapping in mappings {
            self.inner.queue.person_asked(&mapping.id);
            handles.push(self.trigger(&mapping, job.clone(), None).await?);
        }
        Ok(handles)
    }

    /// A person answered something, or asks for something in particular: a run that has not begun.
    ///
    /// A mapping of a restored database does nothing but a plan that was seen.
    pub(crate) async fn ask(&self, mapping: &Mapping, job: Job) -> Result<RunHandle, UserError> {
        if mapping.restored_at.is_some() && !job.confirms() {
            return Err(UserError::mapping_restored(&mapping.id));
        }
        self.inner.queue.person_changed(&mapping.id);
        self.trigger(mapping, job, None).await
    }

    /// A finished run with its events.
    pub async fn run_of(&self, handle: &RunHandle) -> Result<Run, UserError> {
        Ok(self.inner.db.run(&handle.id).await?)
    }

    async fn enabled_mappings(&self) -> Result<Vec<Mapping>, UserError> {
        let mut mappings = self.inner.db.mappings().await?;
        mappings.retain(|mapping| may_run(mapping).is_ok());
        Ok(mappings)
    }

    /// Joins a run that covers the trigger, or queues one.
    async fn trigger(
        &self,
        mapping: &Mapping,
        job: Job,
        round: Option<Timestamp>,
    ) -> Result<RunHandle, UserError> {
        // One trigger at a time, so that no two of them queue a run each.
        let _one = self.inner.queue.triggering.lock().await;
        if job == Job::DUE
            && let Some(run) = self.join(&mapping.id, round)
        {
            return Ok(run);
        }
        let id = self.inner.db.start_run(&mapping.id, self.now()).await?;
        let (done, ended) = watch::channel(false);
        let under = Under {
            job,
            handle: RunHandle {
                id,
                mapping: mapping.id.clone(),
                ended,
            },
            round,
            joining: Arc::default(),
            // A trigger during the end makes a run that ends at once.
            stop: Arc::new(AtomicBool::new(self.inner.ending.is_cancelled())),
            done,
        };
        let handle = under.handle.clone();
        let drive = {
            let mut state = self.inner.queue.lock();
            let lane = state.mappings.entry(mapping.id.clone()).or_default();
            lane.accounts = vec![
                mapping.caldav.account.clone(),
                mapping.google.account.clone(),
            ];
            lane.waiting.push_back(under);
            !std::mem::replace(&mut lane.driving, true)
        };
        if drive {
            let app = self.clone();
            let mapping = mapping.id.clone();
            self.spawn(async move { Box::pin(app.drive(mapping)).await });
        }
        Ok(handle)
    }

    /// Joins the run that waits, if one does: it then reads as late as any of those who wait for it
    /// asks for. Or the one under way, if it still reads.
    fn join(&self, mapping: &MappingId, round: Option<Timestamp>) -> Option<RunHandle> {
        let mut state = self.inner.queue.lock();
        let lane = state.mappings.get_mut(mapping)?;
        if let Some(next) = lane.waiting.iter_mut().find(|under| under.is_for_all()) {
            next.round = match (next.round, round) {
                (Some(one), Some(other)) => Some(one.max(other)),
                _ => None,
            };
            return Some(next.handle.clone());
        }
        let current = lane.current.as_ref()?;
        (current.is_for_all() && current.joining.join()).then(|| current.handle.clone())
    }

    /// Runs what waits in a mapping's lane, one after the other.
    async fn drive(&self, mapping: MappingId) {
        loop {
            let Ok(stored) = self.inner.db.mapping(&mapping).await else {
                self.leave(&mapping);
                return;
            };
            let quiet = self.accounts_of(&stored).await;
            let Some(under) = self.begin(&mapping) else {
                return;
            };
            // As it is now, not as it was when the run was asked for.
            let stored = self.inner.db.mapping(&mapping).await.unwrap_or(stored);
            // A run is a large future: it does not ride on this one.
            let needs_person = Box::pin(self.carry_through(&stored, &under)).await;
            drop(quiet);
            let patient = needs_person.then(|| {
                let now = self.now();
                now.checked_add(PATIENCE).unwrap_or(now)
            });
            if let Some(lane) = self.inner.queue.lock().mappings.get_mut(&mapping) {
                lane.current = None;
                lane.patient_until = patient;
            }
            under.done.send_replace(true);
            self.inner.delivered.notify_one();
        }
    }

    /// The next run of a lane becomes the current one; the lane rests when there is none.
    fn begin(&self, mapping: &MappingId) -> Option<Under> {
        let mut state = self.inner.queue.lock();
        let lane = state.mappings.get_mut(mapping)?;
        if let Some(under) = lane.waiting.pop_front() {
            lane.current = Some(under.clone());
            Some(under)
        } else {
            lane.driving = false;
            None
        }
    }

    /// The mapping is gone: whoever waits need not wait longer.
    fn leave(&self, mapping: &MappingId) {
        let lane = self.inner.queue.lock().mappings.remove(mapping);
        for waiting in lane.into_iter().flat_map(|lane| lane.waiting) {
            waiting.done.send_replace(true);
        }
    }

    /// Both accounts of a mapping, for one run at a time; always taken in the same order.
    pub(crate) async fn accounts_of(&self, mapping: &Mapping) -> Vec<OwnedMutexGuard<()>> {
        let mut accounts = [&mapping.caldav.account, &mapping.google.account];
        accounts.sort();
        let mut held = Vec::new();
        for account in accounts {
            held.push(self.inner.queue.account(account).lock_owned().await);
        }
        held
    }

    /// The loop: a round every interval, sooner when something changed.
    pub(crate) async fn schedule(&self) {
        loop {
            let begun = self.now();
            if let Err(error) = self.round(begun).await {
                tracing::error!(code = %error.code, error = %error, "a round of syncing could not begin");
            }
            let interval = self
                .settings()
                .await
                .map_or(300, |settings| settings.interval_seconds);
            let next = begun
                .checked_add(Duration::from_secs(interval))
                .unwrap_or(begun);
            self.inner.queue.lock().next_round = Some(next);
            let wait = Duration::try_from(next.duration_since(self.now())).unwrap_or_default();
            tokio::select! {
                () = self.inner.ending.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
                () = self.inner.wake.notified() => {}
            }
        }
    }

    async fn round(&self, begun: Timestamp) -> Result<(), UserError> {
        for mapping in self.enabled_mappings().await? {
            let patient = {
                let state = self.inner.queue.lock();
                let lane = state.mappings.get(&mapping.id);
                lane.and_then(|lane| lane.patient_until)
                    .is_some_and(|until| until > begun)
            };
            if !patient {
                self.trigger(&mapping, Job::DUE, Some(begun)).await?;
            }
        }
        Ok(())
    }
}
