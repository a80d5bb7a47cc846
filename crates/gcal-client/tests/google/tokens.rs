//! Access tokens: renewed early, once, stored before use, dead when they are dead.

use gcal_client::Error;
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use simulators::google::{ClientConfig, DEFAULT_ACCOUNT, Fault, GoogleSimConfig};
use sync_engine::ports::{ErrorClass, SidePort as _};

use super::harness::{World, tokens};

fn renewals(world: &World) -> u64 {
    world.requests("token")
}

#[tokio::test]
async fn many_that_need_a_token_share_one_renewal() {
    let world = World::new();
    world.sim.advance(SignedDuration::from_secs(3300));
    let calendars: Vec<_> = (0..8).map(|_| world.calendar()).collect();
    let answers = futures_util::future::join_all(calendars.iter().map(|c| c.list(None))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(renewals(&world), 1);
    assert_eq!(world.kept.saved.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_that_google_refuses_is_renewed_once_for_all() {
    let world = World::new();
    world.sim.expire_access_tokens();
    let calendars: Vec<_> = (0..8).map(|_| world.calendar()).collect();
    let answers = futures_util::future::join_all(calendars.iter().map(|c| c.list(None))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(renewals(&world), 1);
}

#[tokio::test]
async fn a_good_token_is_not_renewed() {
    let world = World::new();
    world.calendar().list(None).await.unwrap();
    world.sim.advance(SignedDuration::from_secs(3200));
    world.calendar().list(None).await.unwrap();
    assert_eq!(renewals(&world), 0);
}

#[tokio::test]
async fn a_rotated_refresh_token_is_stored_before_anything_is_done_with_it() {
    let world = World::with(
        GoogleSimConfig::default().knobs(|knobs| knobs.rotate_refresh_tokens = true),
        gcal_client::Pace::unlimited(),
    );
    world.sim.advance(SignedDuration::from_secs(3500));
    *world.kept.refusals.lock().unwrap() = 1;
    let error = world.calendar().list(None).await.unwrap_err();
    assert_eq!(error.code, "token_not_stored");
    assert!(matches!(error.class, ErrorClass::Transient { .. }));
    assert_eq!(
        world.requests("events.list"),
        0,
        "used before it was stored"
    );
    assert_eq!(renewals(&world), 1);

    // The next attempt stores what is held, and asks for no other.
    world.calendar().list(None).await.unwrap();
    assert_eq!(renewals(&world), 1);
    {
        let saved = world.kept.saved.lock().unwrap();
        assert_eq!(saved.len(), 1);
        assert!(!saved[0].refresh.expose_secret().is_empty());
    }

    // And the new refresh token is the one that is used from then on.
    world.sim.advance(SignedDuration::from_secs(3500));
    world.calendar().list(None).await.unwrap();
    assert_eq!(renewals(&world), 2);
    let saved = world.kept.saved.lock().unwrap();
    assert_ne!(
        saved[0].refresh.expose_secret(),
        saved[1].refresh.expose_secret()
    );
}

#[tokio::test]
async fn a_dead_refresh_token_is_asked_about_once() {
    let world = World::new();
    world.sim.revoke(DEFAULT_ACCOUNT);
    for _ in 0..3 {
        let error = world.calendar().list(None).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Credentials);
        assert_eq!(error.code, "google_needs_sign_in");
    }
    assert_eq!(renewals(&world), 1);
    assert!(matches!(
        world.account.check_sign_in().await,
        Err(Error::SignInEnded { .. })
    ));

    // Signing in again heals the same handle.
    world.account.replace_tokens(tokens(&world.sim)).await;
    world.calendar().list(None).await.unwrap();
}

#[tokio::test]
async fn the_seven_days_of_testing_are_named() {
    let config = GoogleSimConfig {
        clients: vec![ClientConfig {
            testing: true,
            ..ClientConfig::default()
        }],
        ..GoogleSimConfig::default()
    };
    let world = World::with(config, gcal_client::Pace::unlimited());
    world.sim.advance(SignedDuration::from_hours(7 * 24 + 1));
    let error = world.calendar().list(None).await.unwrap_err();
    assert!(error.detail.contains("Testing"), "{}", error.detail);
}

#[tokio::test]
async fn trouble_while_renewing_is_waited_out() {
    let world = World::new();
    world.sim.advance(SignedDuration::from_secs(3500));
    world
        .sim
        .fault(Fault::status("token", 503, "backendError").times(2));
    world.calendar().list(None).await.unwrap();
    assert_eq!(renewals(&world), 3);
}

#[tokio::test]
async fn a_lost_answer_to_a_renewal_is_asked_again() {
    let world = World::new();
    world.sim.advance(SignedDuration::from_secs(3500));
    world.sim.fault(Fault::lost_answer("token"));
    world.calendar().list(None).await.unwrap();
    assert_eq!(renewals(&world), 2);
}

#[tokio::test]
async fn revoking_ends_the_grant_and_is_no_error_twice() {
    let world = World::new();
    world.account.revoke().await.unwrap();
    world.account.revoke().await.unwrap();
    let error = world.calendar().list(None).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Credentials);
}

#[tokio::test]
async fn no_token_is_in_any_debug_text() {
    let world = World::new();
    let secret = tokens(&world.sim);
    world.account.replace_tokens(secret.clone()).await;
    let shown = format!(
        "{:?} {:?} {:?}",
        world.account,
        world.google,
        world.calendar()
    );
    assert!(!shown.contains(secret.access.expose_secret()));
    assert!(!shown.contains(secret.refresh.expose_secret()));
    assert!(!shown.contains(simulators::google::DEFAULT_CLIENT_SECRET));
}
