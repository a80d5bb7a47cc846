use super::Answer;
use super::shell::Shell;
pub(crate) async fn list(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn show(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
