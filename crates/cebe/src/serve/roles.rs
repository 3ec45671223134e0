//! What a process does: `all`, or some of `adapter`, `worker`, `retriever`, separated by commas.

use crate::failure::Failure;

/// The roles of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Takes events and changes of settings.
    pub(crate) adapter: bool,
    /// Holds shards and applies what their queues bring.
    pub(crate) worker: bool,
    /// Answers.
    pub(crate) retriever: bool,
}

impl Roles {
    /// Every one.
    pub(crate) const ALL: Self = Self { adapter: true, worker: true, retriever: true };

    /// Reads the setting.
    pub(crate) fn named(text: &str) -> Result<Self, Failure> {
        let mut roles = Self::default();
        for role in text.split(',').map(str::trim) {
            match role {
                "all" => roles = Self::ALL,
                "adapter" => roles.adapter = true,
                "worker" => roles.worker = true,
                "retriever" => roles.retriever = true,
                unknown => {
                    let known = "all, adapter, worker and retriever";
                    return Err(Failure::Usage(format!("role {unknown:?} is unknown; there are {known}")));
                }
            }
        }
        Ok(roles)
    }
}

#[cfg(test)]
mod tests {
    use super::Roles;

    #[test]
    fn roles_are_named_and_others_are_refused() {
        assert_eq!(Roles::named("all").unwrap(), Roles::ALL);
        assert_eq!(Roles::named("adapter, worker,retriever").unwrap(), Roles::ALL);
        let worker = Roles { worker: true, ..Roles::default() };
        assert_eq!(Roles::named("worker").unwrap(), worker);
        assert!(Roles::named("").is_err() && Roles::named("reader").is_err());
    }
}
