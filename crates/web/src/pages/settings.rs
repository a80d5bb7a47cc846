use super::Answer;
use super::shell::Shell;
pub(crate) async fn show(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn change(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn add_webhook(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn delete_webhook(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
