//! Taking a run back: first what that would write, then, if somebody says so, exactly that.

use actix_web::http::StatusCode;
use actix_web::web as aw;
use app::UserError;
use maud::html;

use crate::failure::Failure;
use crate::input::Form;
use crate::pages::dashboard::{Ended, ended};
use crate::pages::mappings::shown;
use crate::pages::shell::{Here, Page, Shell};
use crate::pages::widgets::trouble;
use crate::pages::{Answer, redirect};

/// Shows what it would write.
pub(crate) async fn ask_undo(shell: Shell, id: aw::Path<String>) -> Answer {
    let run = shell.web.app.run(&id).await?;
    let plan = shell.web.app.preview_undo(&id).await.map_err(Failure::from);
    let title = "Take this run back";
    let main = html! {
        p.crumb { a href={ (shell.at("/ui/runs/")) (run.id.as_str()) } { "The run" } }
        h1 { (title) }
        p.lead {
            "What this run wrote is put back as it was before. Events that were changed since are left "
            "alone, and what is taken back is not synced again until somebody changes it."
        }
        @match &plan {
            Ok(plan) => {
                (shown(plan, "There is nothing to take back: the run wrote nothing, or all of it was changed since.", "Nothing has been written yet. This is what would be."))
                div.actions {
                    @if !plan.operations.is_empty() {
                        (shell.form(&format!("/ui/runs/{}/undo", run.id), "inline", &html! {
                            input type="hidden" name="plan_id" value=(plan.plan_id);
                            button.danger type="submit" { "Take it back" }
                        }))
                    }
                    a.button href={ (shell.at("/ui/runs/")) (run.id.as_str()) } { "Back to the run" }
                }
            }
            Err(failure) => { (trouble(&failure.error.detail, &failure.error.action, &html! {})) }
        }
    };
    let mut page = Page::new(Here::Runs, title, main);
    page.status = plan
        .as_ref()
        .err()
        .map_or(StatusCode::OK, |failure| failure.status);
    page.trouble = plan.is_err();
    Ok(shell.show(&page))
}

/// Takes back exactly what was shown.
pub(crate) async fn undo(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let Some(plan) = form.filled("plan_id") else {
        return Err(UserError::invalid("plan_id", "Look at the list first.").into());
    };
    let run = shell.web.app.undo(&id, Some(&plan)).await?;
    let code = match ended(&shell.web, std::slice::from_ref(&run)).await {
        Ended::Well => "undone",
        Ended::Badly => "not-all",
        Ended::NotYet => "working",
    };
    Ok(redirect(
        &shell.web,
        &format!("/ui/runs/{}?done={code}", run.id),
    ))
}
