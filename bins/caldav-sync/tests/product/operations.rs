//! What whoever runs the program does with it: backup and restore, keys, the check of everything,
//! figures and probes.

mod backup;
mod doctor;
mod figures;
mod keys;
mod rekey;

use std::process::Output;

use crate::common::said;

/// A command that must have ended so.
fn ended(output: &Output, code: i32) -> String {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}
