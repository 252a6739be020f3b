//! What a caller may do among the access tokens and API keys of its account.

use serde_json::{Map, Value};

use super::{AccountId, Actor, KeyId, Note, Permission, Policy, Role, Settings, TokenId};

/// A caller that is good, and what decides on what it may do.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Its account.
    pub account: AccountId,
    /// The private key that it acts by: itself, or the one that minted it.
    pub key: KeyId,
    /// Who it is.
    pub holder: Holder,
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
    /// It lacks this permission.
    #[error("This needs the permission \"{0}\", which this caller does not hold")]
    Lacks(String),
    /// Its account does not declare this permission.
    #[error("permissions must be among those that this account declares; \"{0}\" is not")]
    Undeclared(String),
    /// It is a token that is bound to origins or addresses, and an API key is bound to nothing.
    #[error("An access token that is bound to origins or addresses cannot create API keys")]
    Bound,
    /// It is a token, and the private key that minted it is good no more.
    #[error(
        "The API key that this access token stems from is good no more, so nothing new can be made with it"
    )]
    Orphaned,
    /// It would delete the private key that it acts by.
    #[error("A caller cannot delete the API key that it acts by; another API key can")]
    OwnKey,
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

    /// Whether the caller holds `permission`. A private key that mints holds all; one that verifies
    /// may see access tokens, whose settings are open to it anyway; a token holds what it was
    /// given, as long as its account declares that.
    ///
    /// # Errors
    /// [`Denied::Lacks`].
    pub fn require(&self, permission: Permission) -> Result<(), Denied> {
        let name = permission.name();
        let holds = match &self.holder {
            Holder::Key(role) => role.may_mint() || permission == Permission::ReadTokens,
            Holder::Token(..) => self.policy.permissions().contains_key(name) && self.holds(name),
        };
        holds
            .then_some(())
            .ok_or_else(|| Denied::Lacks(name.to_owned()))
    }

    /// Whether the caller may give these permissions to a token: they are declared, and its own.
    ///
    /// # Errors
    /// [`Denied::Undeclared`], [`Denied::Lacks`].
    pub fn check_given(&self, permissions: &[String]) -> Result<(), Denied> {
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

    fn authority(holder: Holder) -> Authority {
        let declared = json!({"permissions": {
            "a": "", "access-tokens:write": "", "api-keys:write": "",
        }});
        Authority {
            account: AccountId::from_i64(1),
            key: KeyId::from_i64(2),
            holder,
            policy: Policy::parse(declared).unwrap(),
        }
    }

    fn token(settings: Value) -> Authority {
        let settings = Settings::parse(settings).unwrap();
        authority(Holder::Token(TokenId::from_i64(3), settings))
    }

    fn lacks<T>(name: &str) -> Result<T, Denied> {
        Err(Denied::Lacks(name.into()))
    }

    #[test]
    fn a_minting_key_may_all_and_a_verifying_one_see_tokens() {
        use Permission::{ReadKeys, ReadTokens, WriteKeys, WriteTokens};
        for permission in [ReadTokens, WriteTokens, ReadKeys, WriteKeys] {
            assert_eq!(
                authority(Holder::Key(Role::Mint)).require(permission),
                Ok(())
            );
            let verifying = authority(Holder::Key(Role::Verify)).require(permission);
            assert_eq!(verifying.is_ok(), permission == ReadTokens);
        }
        assert_eq!(
            authority(Holder::Key(Role::Admin)).check_key_making(),
            Ok(())
        );
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
        let all = ["a", "access-tokens:write", "api-keys:write"];
        assert_eq!(token(json!({ "scopes": all })).check_key_making(), Ok(()));
        assert_eq!(
            token(json!({ "scopes": all[1..] })).check_key_making(),
            lacks("a")
        );
        let bound = token(json!({ "scopes": all, "ips": ["10.0.0.0/8"] }));
        assert_eq!(bound.check_key_making(), Err(Denied::Bound));
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
