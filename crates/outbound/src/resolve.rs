//! Name resolution that lets only permitted addresses through to the connector. What is judged here
//! is what is connected to: no second look-up happens in between.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::policy::{Origin, Policy};

/// The resolver of one `reqwest` client.
pub(crate) struct Judging {
    pub(crate) policy: Policy,
    pub(crate) origin: Origin,
}

/// No address of a name may be connected to. Travels inside reqwest's error and is found again in
/// its chain of sources.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to {why}")]
pub(crate) struct Refused {
    pub(crate) why: &'static str,
}

/// A name could not be resolved at all.
#[derive(Debug, thiserror::Error)]
#[error("the name could not be resolved")]
pub(crate) struct Unresolved {
    #[source]
    source: Option<std::io::Error>,
}

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy.clone();
        let origin = self.origin;
        Box::pin(async move {
            let found = policy
                .lookup(name.as_str().to_owned())
                .await
                .map_err(|source| Unresolved {
                    source: Some(source),
                })?;
            let mut allowed = Vec::new();
            let mut refused = None;
            for address in found {
                match origin.allows(policy.judge(address)) {
                    Ok(_) => allowed.push(SocketAddr::new(address, 0)),
                    Err(why) => refused = Some(Refused { why }),
                }
            }
            match refused {
                Some(refused) if allowed.is_empty() => Err(refused.into()),
                _ if allowed.is_empty() => Err(Unresolved { source: None }.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
