//! "Check everything": what the command `doctor` finds, as a page, with a report to pass on.

use app::doctor::{Check, Names, Report, Verdict};
use maud::{Markup, html};

use super::Answer;
use super::shell::{Here, Page, Shell};
use super::widgets::badge;
use super::words::moment;

/// Looks at everything, and shows what was found.
pub(crate) async fn show(shell: Shell) -> Answer {
    let app = &shell.web.app;
    let report = app.check_everything().await;
    let now = app.now();
    let (kind, sentence) = match report.status {
        Verdict::Ok => ("good", "Everything works"),
        Verdict::Warn => ("warn", "Everything works, and something is worth a look"),
        Verdict::Fail => ("bad", "Something does not work"),
    };
    let main = html! {
        p.crumb { a href=(shell.at("/ui/settings")) { "Settings" } }
        section.state.(kind) {
            div {
                h1 { (sentence) }
                p { "Looked at everything " (moment(report.at, now)) ". Nothing was changed." }
            }
            a.button.primary href=(shell.at("/ui/doctor")) { "Check again" }
        }
        (found(&report))
        section.card {
            h2 { "To pass on" }
            p.detail { "Without passwords and tokens, and with ids in place of the names of accounts and mappings. Names of servers are in it." }
            pre.report tabindex="0" role="region" aria-label="Report" { (report.text(Names::Hidden)) }
        }
    };
    let mut page = Page::new(Here::Settings, "Check everything", main);
    page.trouble = report.status == Verdict::Fail;
    Ok(shell.show(&page))
}

/// What is wrong first, in the order in which it was looked at.
fn found(report: &Report) -> Markup {
    let of = |wanted: Verdict| {
        report
            .checks
            .iter()
            .filter(move |check| check.status == wanted)
    };
    html! {
        section.card {
            h2 { "What was found" }
            ul.rows {
                @for check in of(Verdict::Fail).chain(of(Verdict::Warn)).chain(of(Verdict::Ok)) {
                    li { (line(check)) }
                }
            }
        }
    }
}

fn line(check: &Check) -> Markup {
    let (kind, word) = match check.status {
        Verdict::Ok => ("good", "Works"),
        Verdict::Warn => ("warn", "Worth a look"),
        Verdict::Fail => ("bad", "Does not work"),
    };
    html! {
        div {
            p.wrap {
                strong { (title(check.area)) @if let Some(subject) = &check.subject { " · " (subject.name) } }
                br;
                (check.detail)
            }
            @if !check.action.is_empty() { p.detail { strong { "What to do: " } (check.action) } }
        }
        (badge(kind, word))
    }
}

/// An area's name.
fn title(area: &str) -> &str {
    match area {
        "configuration" => "Configuration",
        "data" => "Data folder",
        "database" => "Database",
        "key" => "Encryption key",
        "clock" => "Clock",
        "dns" => "Name",
        "tls" => "Encryption",
        "network" => "Connection",
        "google" => "Google",
        "caldav" => "CalDAV",
        "mapping" => "Mapping",
        other => other,
    }
}
