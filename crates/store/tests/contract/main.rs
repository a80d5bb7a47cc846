//! The store's contract, by behaviour: the engine's port (`conformance`, written over any store),
//! the file and its safety (`opening`), secrets (`secrets`), the registry, runs and outbox.

mod access;
mod bench;
mod conformance;
mod opening;
mod registry;
mod runs;
mod secrets;
mod size;
