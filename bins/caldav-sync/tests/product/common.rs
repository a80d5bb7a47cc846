//! What the tests share: the program as a process, its REST API, a stage to play on.

mod api;
pub(crate) mod canary;
mod ics;
mod program;
mod stage;

pub(crate) use api::{Api, Browser, plain_client};
pub(crate) use ics::{event, series, with_exceptions};
pub(crate) use program::{KEY, Program, command, said, wait_until};
pub(crate) use stage::{ACCOUNT, Stage, TARGET};
