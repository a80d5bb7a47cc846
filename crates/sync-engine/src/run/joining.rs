//! Who may still join a run: whoever asks for one before it has finished reading. It then reads again,
//! so that it covers everybody who joined.

use std::sync::atomic::{AtomicU8, Ordering};

/// Nobody asked since the reading under way began.
const QUIET: u8 = 0;
/// Somebody asked: what is read before may be too old for him.
const ASKED: u8 = 1;
/// Reading is over: whoever asks needs another run.
const OVER: u8 = 2;

/// Shared by a run and whoever asks for runs.
#[derive(Debug, Default)]
pub struct Joining(AtomicU8);

impl Joining {
    /// Asks to be covered by the run. If not, another run has to be made.
    pub fn join(&self) -> bool {
        self.step(|state| (state != OVER).then_some(ASKED))
    }

    /// Nobody joins any more.
    pub fn close(&self) {
        self.0.store(OVER, Ordering::SeqCst);
    }

    /// A reading begins: whether somebody asked before.
    pub(super) fn begin(&self) -> bool {
        self.step(|state| (state == ASKED).then_some(QUIET))
    }

    /// A reading has ended. If somebody asked meanwhile, it is to be done again; else nobody joins
    /// any more.
    pub(super) fn end(&self) -> bool {
        self.step(|state| (state != ASKED).then_some(OVER))
    }

    fn step(&self, next: impl FnMut(u8) -> Option<u8>) -> bool {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_while_it_is_read_makes_it_read_again_and_later_ones_stay_outside() {
        let joining = Joining::default();
        assert!(joining.join());
        assert!(joining.begin(), "somebody asked before it began");
        assert!(joining.join() && joining.join());
        assert!(!joining.end(), "to be read again");
        assert!(joining.begin());
        assert!(joining.end());
        assert!(!joining.join());
    }

    #[test]
    fn a_run_that_nobody_asks_for_is_read_once() {
        let joining = Joining::default();
        assert!(!joining.begin());
        assert!(joining.end());
    }
}
