//! `demo`: the same program with nothing to set up. A calendar server and a Google in this process,
//! filled with samples, two mappings made (one goes both ways), people editing on both sides all the
//! time, and a page that shows what is at Google.
//!
//! It starts `serve`'s own parts with an environment of its own; the process's is not read, the
//! data folder is temporary, and every address is on the loopback.

mod entry;
mod hand;
mod life;
mod page;
mod samples;
#[cfg(test)]
mod tests;
mod world;

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use app::{App, SyncRequest};
use jiff::Timestamp;

use crate::config::Config;
use crate::failure::Failure;
use crate::serve::Serving;
use crate::signals::Signals;
use entry::ZONE;
use life::Life;
use page::{News, Window};
use world::{ACCOUNT, GOOGLE_CALENDARS, World};

/// Between two edits, while somebody probably watches.
const LIVELY: Duration = Duration::from_secs(4);
/// Between two edits later on.
const CALM: Duration = Duration::from_secs(30);
/// Between two edits of the same event; longer than a CalDAV time stamp's second.
const MOMENT: Duration = Duration::from_millis(1100);
/// How many edits are lively: ten minutes' worth.
const LIVELY_EDITS: usize = 150;

/// Runs the demo until a signal ends it.
///
/// # Errors
/// Whatever keeps it from starting.
pub(crate) async fn run(port: u16) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let folder = tempfile::Builder::new()
        .prefix("caldav-sync-demo-")
        .tempdir()
        .map_err(|error| Failure::demo(&error))?;
    let today = Timestamp::now()
        .in_tz(ZONE)
        .map_err(|error| Failure::demo(&error))?
        .date();
    let calendars = samples::calendars(today);
    let world = Arc::new(World::start(&calendars)?);
    let environment = world.environment(port, &folder.path().to_string_lossy());
    let serving = Serving::start(Config::read(&environment)?).await?;
    world.set_up(&serving.app).await?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| Failure::demo(&error))?;
    let google_page = listener
        .local_addr()
        .map_err(|error| Failure::demo(&error))?;
    let dashboard = serving.app.config().base_url.to_string();
    let news = Arc::new(News::default());
    let (page, page_handle) = page::serve(
        listener,
        Window {
            google: Arc::clone(&world.google),
            account: ACCOUNT,
            calendars: GOOGLE_CALENDARS
                .iter()
                .map(|(id, title, _)| (*id, *title))
                .collect(),
            dashboard: dashboard.clone(),
            news: Arc::clone(&news),
        },
    )
    .map_err(|error| Failure::demo(&error))?;
    let page = tokio::spawn(page);
    tell(&format!(
        "\ncaldav-sync demo: nothing leaves this computer, and everything is gone afterwards.\n\n\
         Dashboard:         {dashboard}\n\
         Simulated Google:  http://{google_page}/\n\n\
         Two calendars of a simulated CalDAV server are mapped to two of a simulated Google account\n\
         ({ACCOUNT}): Work goes to Google, Family both ways. Every few seconds Ada edits them on the CalDAV\n\
         side or Ben edits Family at Google, now and then both the same event. Ctrl-C ends it.\n"
    ));
    let living = tokio::spawn(live(
        serving.app.clone(),
        world,
        Life::new(calendars, today),
        news,
    ));
    signals.next().await;
    living.abort();
    tokio::select! {
        ((), ()) = async { tokio::join!(serving.stop(), page_handle.stop(false)) } => {}
        _ = signals.next() => {}
    }
    page.abort();
    Ok(())
}

/// Syncs, then edits and syncs again, for ever.
async fn live(app: App, world: Arc<World>, mut life: Life, news: Arc<News>) {
    let mut edits = 0_usize;
    loop {
        sync(&app).await;
        tokio::time::sleep(if edits < LIVELY_EDITS { LIVELY } else { CALM }).await;
        step(&world, &mut life, &news).await;
        edits = edits.saturating_add(1);
        if edits.is_multiple_of(100) {
            world.tidy();
        }
    }
}

/// Plays what happens until the next sync. Where two edit the same event, a moment passes before each:
/// calendars tell the time in whole seconds, and an edit in the second of the one before it, or of what
/// was agreed on last, could not be told to be later.
async fn step(world: &World, life: &mut Life, news: &News) {
    let deeds = life.next();
    let clash = deeds.len() > 1;
    for deed in deeds {
        if clash {
            tokio::time::sleep(MOMENT).await;
        }
        if world.play(&deed.edit) {
            let line = format!("{}  {}: {}", clock(), deed.edit.who(), deed.words);
            tell(&line);
            news.add(line);
        }
    }
}

/// Syncs both mappings and waits for the end. A mapping that a visitor switched off is left alone.
async fn sync(app: &App) {
    match app.sync(SyncRequest::default()).await {
        Ok(runs) => {
            for run in runs {
                run.ended().await;
            }
        }
        Err(error) => tracing::warn!(code = %error.code, error = %error, "the demo cannot sync"),
    }
}

fn clock() -> String {
    Timestamp::now().in_tz(ZONE).map_or_else(
        |_| String::new(),
        |now| now.strftime("%H:%M:%S").to_string(),
    )
}

/// Says something to the person at the terminal, if there is one.
fn tell(text: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
