//! The store's contract, by behaviour: the engine's port (`conformance`, written over any store),
//! the file and its safety (`opening`), what others do with it (`beside`), secrets (`secrets`), the registry, runs and outbox.
//!
//! Every module is marked as test code, or the lints would not let its helpers assert bluntly.

#[cfg(test)]
mod access;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod conflicts;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod size;
