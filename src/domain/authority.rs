//! What a caller may do among the access tokens and API keys of its account.

use serde_json::{Map, Value};

use super::{
    AccountId, Actor, KeyId, Note, Permission, Policy, Role, Settings, Timestamp, TokenId,
};

/// A caller that is good, and what decides on what it may do.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Its account.
    pub account: AccountId,
    /// The private key that it acts by: itself, or the one that minted it.
    pub key: KeyId,
    /// Who it is.
    pub holder: Holder,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// What its account is held to, and which permissions that declares.
    pub policy: Policy,
}

/// Who acts.
#[derive(Debug, Clone)]
pub enum Holder {
    /// The holder of a private key of this role.
    Key(Role),
    /// The holder of a token.
    Token(TokenId, Settings),
}

/// Why a caller may not do what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is good no more.
    #[error("This API key or access token is not valid: it is unknown, has expired, or was ended")]
    Gone,
    /// Its account declares no permission for managing anything.
    #[error(
        "Nothing is managed here until an operator declares permissions for it, such as \"access-tokens:read\", in this account's policy"
    )]
    Closed,
    /// It lacks this permission.
    #[error("This needs the permission \"{0}\", which this caller does not hold")]
    Lacks(String),
    /// Its account does not declare this permission.
    #[error("permissions must be among those that this account declares; \"{0}\" is not")]
    Undeclared(String),
    /// It is a token that is bound to origins, addresses or a rate, and an API key is bound to
    /// nothing.
    #[error("An access token that is bound to origins, addresses or a rate cannot create API keys")]
    Bound,
    /// It is a token with a rate limit, and would make another, which has a rate of its own.
    #[error("An access token with a rate limit cannot create others: each could be used as often")]
    Rated,
    /// What it would make is to end after this moment, at which it ends itself.
    #[error("must not lie after {0}, when the API key or access token that asks ends itself")]
    Outlives(Timestamp),
    /// It is a token, and the private key that minted it is good no more.
    #[error(
        "The API key that this access token stems from is good no more, so nothing new can be made with it"
    )]
    Orphaned,
    /// It would delete the private key that it acts by.
    #[error("A caller cannot delete the API key that it acts by; another API key can")]
    OwnKey,
    /// It would delete a private key of the role `admin`, and holds none.
    #[error("Only an API key of the role admin can delete one of that role")]
    AdminKey,
}

impl Authority {
    /// Who is written down as having made a change.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        match &self.holder {
            Holder::Key(_) => Actor::Key(self.key),
            Holder::Token(token, _) => Actor::Token(*token),
        }
    }

    /// Whether the caller holds `permission`: its account declares that, and the caller is a private
    /// key that mints, or a token that was given it. A private key that verifies may see access
    /// tokens, whose settings are open to it anyway.
    ///
    /// # Errors
    /// [`Denied::Closed`], [`Denied::Lacks`].
    pub fn require(&self, permission: Permission) -> Result<(), Denied> {
        let declared = self.policy.permissions();
        if !Permission::ALL
            .iter()
            .any(|known| declared.contains_key(known.name()))
        {
            return Err(Denied::Closed);
        }
        let name = permission.name();
        let holds = match &self.holder {
            Holder::Key(Role::Verify) => permission == Permission::ReadTokens,
            Holder::Key(_) | Holder::Token(..) => self.holds(name),
        };
        (holds && declared.contains_key(name))
            .then_some(())
            .ok_or_else(|| Denied::Lacks(name.to_owned()))
    }

    /// Whether the caller may give these permissions to a token: they are declared, and its own.
    ///
    /// # Errors
    /// [`Denied::Undeclared`], [`Denied::Lacks`], [`Denied::Rated`].
    pub fn check_given(&self, permissions: &[String]) -> Result<(), Denied> {
        if let Holder::Token(_, settings) = &self.holder
            && settings.rate_limit().is_some()
        {
            return Err(Denied::Rated);
        }
        let declared = self.policy.permissions();
        if let Some(name) = permissions
            .iter()
            .find(|name| !declared.contains_key(*name))
        {
            return Err(Denied::Undeclared(name.clone()));
        }
        match permissions.iter().find(|name| !self.holds(name)) {
            Some(name) => Err(Denied::Lacks(name.clone())),
            None => Ok(()),
        }
    }

    /// Whether the caller may create a private key, which holds every permission and is bound to
    /// nothing.
    ///
    /// # Errors
    /// [`Denied::Lacks`], [`Denied::Bound`].
    pub fn check_key_making(&self) -> Result<(), Denied> {
        self.require(Permission::WriteKeys)?;
        let declared = self.policy.permissions();
        if let Some(name) = declared.keys().find(|name| !self.holds(name)) {
            return Err(Denied::Lacks(name.clone()));
        }
        match &self.holder {
            Holder::Token(_, settings) if !settings.are_unbound() => Err(Denied::Bound),
            _ => Ok(()),
        }
    }

    /// Whether the caller may delete a private key of this role: none that may do more than itself.
    ///
    /// # Errors
    /// [`Denied::AdminKey`].
    pub fn check_key_deleting(&self, role: Role) -> Result<(), Denied> {
        match (role, &self.holder) {
            (Role::Mint | Role::Verify, _) | (Role::Admin, Holder::Key(Role::Admin)) => Ok(()),
            (Role::Admin, _) => Err(Denied::AdminKey),
        }
    }

    /// When a private key ends that the caller makes, and that is wanted until `wanted` or for ever:
    /// no later than its maker.
    ///
    /// # Errors
    /// [`Denied::Outlives`].
    pub fn end_of_key(&self, wanted: Option<Timestamp>) -> Result<Option<Timestamp>, Denied> {
        match (wanted, self.expires_at) {
            (Some(at), Some(end)) if at > end => Err(Denied::Outlives(end)),
            (wanted, end) => Ok(wanted.or(end)),
        }
    }

    /// Until when a token is wanted that the caller makes at `now`: what a token makes ends no later
    /// than its maker, and one whose end is not asked for may end sooner by the account's policy.
    ///
    /// # Errors
    /// [`Denied::Outlives`].
    pub fn end_of_token(
        &self,
        wanted: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Denied> {
        match (&self.holder, wanted) {
            (Holder::Key(_), wanted) => Ok(wanted),
            (Holder::Token(..), Some(_)) => self.end_of_key(wanted),
            (Holder::Token(..), None) => Ok(match self.policy.expiry(None, now) {
                Ok(usual) => usual.into_iter().chain(self.expires_at).min(),
                // The policy wants one to be asked for, and says so where the token is kept.
                Err(_) => None,
            }),
        }
    }

    /// The settings that a new token is given beside those of its account: these permissions, this
    /// note, and the restrictions of its maker, as a merge patch (RFC 7396).
    #[must_use]
    pub fn settings_of_new(&self, permissions: &[String], note: Option<&Note>) -> Value {
        let mut patch = match &self.holder {
            Holder::Key(_) => Map::new(),
            Holder::Token(_, settings) => settings.bounds(),
        };
        patch.insert("scopes".into(), permissions.into());
        if let Some(note) = note {
            patch.insert("note".into(), note.as_str().into());
        }
        Value::Object(patch)
    }

    fn holds(&self, name: &str) -> bool {
        match &self.holder {
            Holder::Key(role) => role.may_mint(),
            Holder::Token(_, settings) => settings.scopes().iter().any(|scope| scope == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn later(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW.seconds() + seconds)
    }

    fn in_account(policy: Value, holder: Holder) -> Authority {
        Authority {
            account: AccountId::from_i64(1),
            key: KeyId::from_i64(2),
            holder,
            expires_at: None,
            policy: Policy::parse(policy).unwrap(),
        }
    }

    fn authority(holder: Holder) -> Authority {
        let declared = json!({"permissions": {
            "a": "", "access-tokens:read": "", "access-tokens:write": "", "api-keys:write": "",
        }});
        in_account(declared, holder)
    }

    fn token(settings: Value) -> Authority {
        let settings = Settings::parse(settings).unwrap();
        authority(Holder::Token(TokenId::from_i64(3), settings))
    }

    fn lacks<T>(name: &str) -> Result<T, Denied> {
        Err(Denied::Lacks(name.into()))
    }

    #[test]
    fn a_minting_key_may_all_that_is_declared_and_a_verifying_one_see_tokens() {
        for permission in Permission::ALL {
            let name = permission.name();
            let declared = permission != Permission::ReadKeys;
            for role in [Role::Mint, Role::Admin] {
                let found = authority(Holder::Key(role)).require(permission);
                let expected = if declared { Ok(()) } else { lacks(name) };
                assert_eq!(found, expected, "{role} {name}");
            }
            let verifying = authority(Holder::Key(Role::Verify)).require(permission);
            assert_eq!(verifying.is_ok(), permission == Permission::ReadTokens);
        }
        assert_eq!(
            authority(Holder::Key(Role::Admin)).check_key_making(),
            Ok(())
        );
        let other = json!({"permissions": {"api-keys:read": ""}});
        let verifying = in_account(other, Holder::Key(Role::Verify));
        assert_eq!(
            verifying.require(Permission::ReadTokens),
            lacks("access-tokens:read")
        );
    }

    #[test]
    fn nobody_may_anything_where_no_permission_for_it_is_declared() {
        for policy in [json!({}), json!({"permissions": {"a": ""}})] {
            for role in [Role::Mint, Role::Verify, Role::Admin] {
                let holder = in_account(policy.clone(), Holder::Key(role));
                for permission in Permission::ALL {
                    assert_eq!(holder.require(permission), Err(Denied::Closed));
                }
            }
        }
    }

    #[test]
    fn an_admin_key_is_deleted_by_another_alone() {
        let may = |holder: &Authority, role| holder.check_key_deleting(role).is_ok();
        let all = token(json!({"scopes": ["api-keys:write"]}));
        for holder in [authority(Holder::Key(Role::Mint)), all] {
            assert!(may(&holder, Role::Mint) && may(&holder, Role::Verify));
            assert!(!may(&holder, Role::Admin));
        }
        assert!(may(&authority(Holder::Key(Role::Admin)), Role::Admin));
    }

    #[test]
    fn what_is_made_ends_no_later_than_its_maker() {
        let expiring = |holder: Authority| Authority {
            expires_at: Some(later(60)),
            ..holder
        };
        let key = expiring(authority(Holder::Key(Role::Mint)));
        let token = expiring(token(json!({})));
        let outlives = Err(Denied::Outlives(later(60)));
        for maker in [&key, &token] {
            assert_eq!(maker.end_of_key(None), Ok(Some(later(60))));
            assert_eq!(maker.end_of_key(Some(later(60))), Ok(Some(later(60))));
            assert_eq!(maker.end_of_key(Some(later(59))), Ok(Some(later(59))));
            assert_eq!(maker.end_of_key(Some(later(61))), outlives);
        }
        // A key's tokens live on when it has ended.
        assert_eq!(key.end_of_token(None, NOW), Ok(None));
        assert_eq!(key.end_of_token(Some(later(61)), NOW), Ok(Some(later(61))));
        assert_eq!(token.end_of_token(None, NOW), Ok(Some(later(60))));
        assert_eq!(token.end_of_token(Some(later(61)), NOW), outlives);
    }

    #[test]
    fn a_tokens_token_ends_sooner_where_the_policy_says_so() {
        let end = |policy: Value, expires_at| {
            let holder = Holder::Token(TokenId::from_i64(3), Settings::default());
            let maker = Authority {
                expires_at,
                ..in_account(policy, holder)
            };
            maker.end_of_token(None, NOW).unwrap()
        };
        let minute = json!({"default_ttl": "1m"});
        assert_eq!(end(minute.clone(), Some(later(90))), Some(later(60)));
        assert_eq!(end(minute.clone(), Some(later(30))), Some(later(30)));
        assert_eq!(end(minute, None), Some(later(60)));
        assert_eq!(end(json!({"require_expire": true}), Some(later(9))), None);
    }

    #[test]
    fn a_token_may_what_it_was_given_and_its_account_declares() {
        let holder = token(json!({"scopes": ["access-tokens:write", "api-keys:read"]}));
        assert_eq!(holder.require(Permission::WriteTokens), Ok(()));
        assert_eq!(holder.require(Permission::ReadKeys), lacks("api-keys:read"));
        assert_eq!(
            holder.require(Permission::WriteKeys),
            lacks("api-keys:write")
        );
    }

    #[test]
    fn nobody_gives_what_is_not_declared_or_not_held() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let holder = token(json!({"scopes": ["access-tokens:write", "b"]}));
        assert_eq!(holder.check_given(&names(&["access-tokens:write"])), Ok(()));
        assert_eq!(holder.check_given(&names(&["a"])), lacks("a"));
        let undeclared = Err(Denied::Undeclared("b".into()));
        assert_eq!(holder.check_given(&names(&["b"])), undeclared);
        let key = authority(Holder::Key(Role::Mint));
        assert_eq!(key.check_given(&names(&["a"])), Ok(()));
        assert_eq!(key.check_given(&names(&["b"])), undeclared);
    }

    #[test]
    fn a_key_is_made_by_who_holds_all_and_is_bound_to_nothing() {
        let all = [
            "a",
            "access-tokens:read",
            "access-tokens:write",
            "api-keys:write",
        ];
        assert_eq!(token(json!({ "scopes": all })).check_key_making(), Ok(()));
        assert_eq!(
            token(json!({ "scopes": all[1..] })).check_key_making(),
            lacks("a")
        );
        for bond in [
            json!({ "scopes": all, "ips": ["10.0.0.0/8"] }),
            json!({ "scopes": all, "origins": ["https://a.example"] }),
            json!({ "scopes": all, "rate_limit": {"requests": 3, "per_seconds": 1} }),
        ] {
            assert_eq!(token(bond).check_key_making(), Err(Denied::Bound));
        }
    }

    #[test]
    fn a_token_hands_its_bounds_down() {
        let rate = json!({"requests": 3, "per_seconds": 1});
        let maker = token(
            json!({"scopes": ["a"], "ips": ["10.0.0.0/8"], "rate_limit": rate, "tags": ["t"]}),
        );
        let expected = json!({
            "scopes": [], "note": "n", "ips": ["10.0.0.0/8"], "rate_limit": rate,
        });
        let note = Note::parse("n".into()).unwrap();
        assert_eq!(maker.settings_of_new(&[], Some(&note)), expected);
    }
}
