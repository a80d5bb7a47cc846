use super::Answer;
use super::shell::Shell;
pub(crate) async fn list(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn new(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn add(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn edit(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn change(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn sync(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn pause(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn resume(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn preview(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn ask_delete(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
pub(crate) async fn delete(shell: Shell) -> Answer {
    let _ = shell;
    Err(crate::failure::Failure::no_such_path())
}
