//! What a key may see: the company of a request, the modules of its teams, and staff ids.

use crate::http::ReadError;
use cebe_catalog::{CompanyId, definition::MetricDefinition};
use cebe_privacy::access::{Action, Grant, Scope};

/// The class name of agents' and admins' ids.
const STAFF: &str = "staff";

/// Refuses a call that the key's role does not allow.
pub(crate) fn require(grant: &Grant, action: Action) -> Result<(), ReadError> {
    if grant.may(action) { Ok(()) } else { Err(ReadError::Forbidden(action)) }
}

/// The company of a request: the one it names, else the only one that the key serves.
pub(crate) fn company_of(grant: &Grant, named: Option<&str>) -> Result<CompanyId, ReadError> {
    match (named, &grant.companies) {
        (Some(id), _) if grant.allows_company(id) => Ok(CompanyId::new(id)),
        (Some(_), _) => Err(ReadError::CompanyNotAllowed),
        (None, Scope::Only(names)) if names.len() == 1 => Ok(CompanyId::new(&names[0])),
        (None, _) => Err(ReadError::CompanyRequired),
    }
}

/// May a metric be shown? Those of the engine itself are shown to all who read, of the modules they read.
pub(crate) fn sees_metric(grant: &Grant, metric: &MetricDefinition) -> bool {
    metric.formula.is_own() || grant.may_read_module(&metric.module)
}

/// May agents' ids of a module be shown? A bound by teams hides them unless one of the teams sees the class.
pub(crate) fn sees_staff(grant: &Grant, module: &str) -> bool {
    grant.teams.iter().any(|team| team.modules.allows(module) && team.pii_classes.allows(STAFF))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cebe_privacy::access::{Role, TeamView};

    fn grant(companies: Scope, team: TeamView) -> Grant {
        Grant {
            key_id: "k".into(),
            role: Role::Reader,
            companies,
            modules: Scope::All,
            teams: vec![team],
            reveal: false,
        }
    }

    #[test]
    fn a_key_of_one_company_needs_no_name() {
        let one = grant(Scope::Only(vec!["a".into()]), TeamView::everything());
        assert_eq!(company_of(&one, None).unwrap(), CompanyId::new("a"));
        assert!(matches!(company_of(&one, Some("b")), Err(ReadError::CompanyNotAllowed)));
        let all = grant(Scope::All, TeamView::everything());
        assert!(matches!(company_of(&all, None), Err(ReadError::CompanyRequired)));
        assert_eq!(company_of(&all, Some("b")).unwrap(), CompanyId::new("b"));
    }

    #[test]
    fn staff_ids_need_a_team_that_sees_them() {
        let bounded = TeamView { modules: Scope::Only(vec!["deals".into()]), pii_classes: Scope::Only(vec![]) };
        assert!(!sees_staff(&grant(Scope::All, bounded), "deals"));
        assert!(sees_staff(&grant(Scope::All, TeamView::everything()), "deals"));
    }
}
