//! From an address that somebody typed to the calendars behind it (RFC 4791, 5397, 6764).
//!
//! The ladder: the address itself, `/.well-known/caldav`, the host's root; from there to the
//! principal, its homes, and what they list. The address may be any of these, or a calendar.

mod facts;

use std::collections::HashSet;

use outbound::Url;

use crate::account::CalendarFacts;
use crate::error::{Error, Trouble};
use crate::href;
use crate::multistatus::Props;
use crate::profile::Profile;
use crate::requests::{FindHomes, FindPrincipal, ListCalendars, PrincipalFacts, ReadOptions};
use crate::transport::Session;

/// Homes looked into at most; more than two are rare.
const MOST_HOMES: usize = 10;
/// Calendars of one account: what is beyond them is not shown.
const MOST_CALENDARS: usize = 1000;

/// What was found behind an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The calendars for events, in the server's order; never empty.
    pub calendars: Vec<CalendarFacts>,
    /// What is known of the server now; also from [`Account::profile`](crate::Account::profile).
    pub profile: Profile,
}

/// What stands at the address that answered.
struct Landed {
    url: Url,
    props: Props,
}

pub(crate) async fn discover(session: &Session) -> Result<Discovery, Error> {
    let landed = land(session).await?;
    let facts = principal(session, &landed).await?;
    let mut homes: Vec<Url> = facts
        .homes
        .iter()
        .filter_map(|home| session.place(&landed.url, home))
        .map(|home| href::collection(&home))
        .take(MOST_HOMES)
        .collect();
    homes.dedup();
    if homes.is_empty() && !landed.props.is_calendar() {
        // No home is named: what was typed may be one.
        homes.push(href::collection(&landed.url));
    }
    let boxes: Vec<Url> = facts
        .scheduling
        .iter()
        .filter_map(|place| session.place(&landed.url, place))
        .map(|place| href::collection(&place))
        .collect();

    let mut calendars: Vec<CalendarFacts> = Vec::new();
    let mut known = HashSet::new();
    if landed.props.is_calendar() && landed.props.takes_events() {
        let url = href::collection(&landed.url);
        calendars.push(facts::of(&url, &landed.props));
        known.insert(url);
    }
    for home in &homes {
        match listed(session, home, &boxes).await {
            Ok(found) => {
                for (url, props) in found {
                    if calendars.len() == MOST_CALENDARS {
                        tracing::warn!(
                            host = session.host(),
                            "the account has more calendars than are shown"
                        );
                        break;
                    }
                    if known.insert(url.clone()) {
                        calendars.push(facts::of(&url, &props));
                    }
                }
            }
            // One home out of several may be closed to us; the only one may not.
            Err(error) if homes.len() == 1 && calendars.is_empty() => return Err(error),
            Err(error) => tracing::debug!(%error, "a calendar home cannot be listed"),
        }
    }
    let Some(first) = calendars.first() else {
        return Err(Error::NoCalendars {
            host: session.host().to_owned(),
        });
    };
    let auto_schedule = schedules(session, &facts, first).await;
    session.learn(|profile| {
        profile.homes = homes.iter().map(Url::to_string).collect();
        profile.addresses.clone_from(&facts.addresses);
        profile.auto_schedule = auto_schedule;
    });
    Ok(Discovery {
        calendars,
        profile: session.profile(),
    })
}

/// Finds the first rung that answers as CalDAV.
async fn land(session: &Session) -> Result<Landed, Error> {
    let mut first_failure = None;
    for candidate in candidates(session.typed()) {
        match look(session, &candidate).await {
            Ok(Some(landed)) => return Ok(landed),
            Ok(None) => {
                first_failure.get_or_insert_with(|| {
                    "it answers, but names no principal, home or calendar".to_owned()
                });
            }
            // It is a WebDAV server that we do not get past: no other rung will help.
            Err(Trouble::Error(error)) => return Err(error),
            Err(Trouble::Failure(failure)) => {
                first_failure.get_or_insert_with(|| failure.to_string());
            }
        }
    }
    Err(Error::NotCaldav {
        host: session.host().to_owned(),
        why: first_failure.unwrap_or_default(),
    })
}

/// The rungs, from what was typed.
fn candidates(typed: &Url) -> Vec<Url> {
    let mut all = vec![typed.clone()];
    let mut add = |path: &str| {
        let url = href::on(typed, path);
        if !all.contains(&url) {
            all.push(url);
        }
    };
    add("/.well-known/caldav");
    // Servers that live in a folder of a host often answer for it there.
    let folder = typed.path().trim_end_matches('/');
    if !folder.is_empty() {
        add(&format!("{folder}/.well-known/caldav"));
    }
    add("/");
    all
}

/// Asks one rung. `None`: it speaks WebDAV and leads nowhere.
async fn look(session: &Session, url: &Url) -> Result<Option<Landed>, Trouble> {
    let mut reply = session.ask(url, FindPrincipal).await?;
    if reply.answer.props.unauthenticated {
        // It answers everybody and asks nobody: sign in unasked.
        session.force_sign_in();
        reply = session.ask(url, FindPrincipal).await?;
        if reply.answer.props.unauthenticated {
            return Err(Trouble::Error(Error::Unauthorized {
                host: session.host().to_owned(),
            }));
        }
    }
    let props = reply.answer.props;
    let leads = props.principal.is_some() || !props.homes.is_empty() || props.is_calendar();
    Ok(leads.then_some(Landed {
        url: reply.url,
        props,
    }))
}

/// What the principal says; an empty answer if there is none to ask.
async fn principal(session: &Session, landed: &Landed) -> Result<PrincipalFacts, Error> {
    let from_landing = PrincipalFacts {
        homes: landed.props.homes.clone(),
        ..PrincipalFacts::default()
    };
    let Some(url) = landed
        .props
        .principal
        .as_deref()
        .and_then(|place| session.place(&landed.url, place))
    else {
        return Ok(from_landing);
    };
    session.learn(|profile| profile.principal = Some(url.to_string()));
    match session.ask(&url, FindHomes).await {
        Ok(mut reply) => {
            // Hrefs are relative to where they were read; from here on they are absolute.
            for places in [&mut reply.answer.homes, &mut reply.answer.scheduling] {
                for place in places.iter_mut() {
                    if let Some(absolute) = session.place(&reply.url, place) {
                        *place = absolute.to_string();
                    }
                }
            }
            if reply.answer.homes.is_empty() {
                reply.answer.homes = from_landing.homes;
            }
            Ok(reply.answer)
        }
        Err(Trouble::Error(error)) => Err(error),
        // A principal that cannot be read does not keep a calendar from being one.
        Err(Trouble::Failure(failure)) => {
            tracing::debug!(%failure, "the principal cannot be read");
            Ok(from_landing)
        }
    }
}

/// The calendars for events in a home, without scheduling boxes.
async fn listed(session: &Session, home: &Url, boxes: &[Url]) -> Result<Vec<(Url, Props)>, Error> {
    let reply = session
        .ask(home, ListCalendars)
        .await
        .map_err(|trouble| match trouble {
            Trouble::Error(error) => error,
            Trouble::Failure(failure) => Error::NotCaldav {
                host: session.host().to_owned(),
                why: failure.to_string(),
            },
        })?;
    let mut found = Vec::new();
    for entry in reply.answer {
        if entry.is_failure() || !entry.props.is_calendar() || !entry.props.takes_events() {
            continue;
        }
        if entry.href.is_empty() {
            continue;
        }
        let Some(url) = session.place(&reply.url, &entry.href) else {
            continue;
        };
        let url = href::collection(&url);
        if !boxes.contains(&url) {
            found.push((url, entry.props));
        }
    }
    Ok(found)
}

/// Whether the server mails guests by itself. If it does not say, it is asked; if it says nothing
/// even then, it does not.
async fn schedules(session: &Session, facts: &PrincipalFacts, calendar: &CalendarFacts) -> bool {
    let names_it = |classes: &[String]| classes.iter().any(|word| word == "calendar-auto-schedule");
    if names_it(&facts.classes) {
        return true;
    }
    let Ok(url) = Url::parse(calendar.url.as_str()) else {
        return false;
    };
    match session.ask(&url, ReadOptions).await {
        Ok(reply) => names_it(&reply.answer),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_begins_with_what_was_typed() {
        let rungs = |typed: &str| -> Vec<String> {
            candidates(&Url::parse(typed).unwrap())
                .iter()
                .map(|url| url.path().to_owned())
                .collect()
        };
        assert_eq!(rungs("https://x.example/"), ["/", "/.well-known/caldav"]);
        assert_eq!(
            rungs("https://x.example/cloud/"),
            [
                "/cloud/",
                "/.well-known/caldav",
                "/cloud/.well-known/caldav",
                "/"
            ]
        );
    }
}
