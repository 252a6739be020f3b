//! Policies as the store keeps them, and the API version that an account is pinned to.

use serde::Deserialize;
use serde_json::Value;

use super::{InvalidPolicy, Policy};
use crate::domain::ApiVersion;

/// The one member that has a value of its own in every account.
pub(super) const API_VERSION: &str = "api_version";

impl Policy {
    /// A new account's: it asks for nothing, and is pinned to the version that is current.
    #[must_use]
    pub fn of_new_account() -> Self {
        Self {
            api_version: ApiVersion::CURRENT,
            ..Self::default()
        }
    }

    /// The document for the store: without the members that ask for nothing, since it is read at
    /// every mint. The API version is always there.
    #[must_use]
    pub fn to_json(&self) -> String {
        let nothing = Self::default().to_value();
        let mut document = self.to_value();
        if let Some(members) = document.as_object_mut() {
            members.retain(|name, value| name == API_VERSION || nothing.get(name) != Some(value));
        }
        document.to_string()
    }

    /// Reads the document that the store keeps.
    ///
    /// # Errors
    /// [`InvalidPolicy`] when it is none.
    pub fn from_json(text: &str) -> Result<Self, InvalidPolicy> {
        Self::parse(document(text)?)
    }

    /// The document to begin with when the one that the store keeps is changed: that one, which may
    /// be damaged as long as it is JSON, or this preset with that one's API version.
    ///
    /// # Errors
    /// [`InvalidPolicy`] when nothing can be made of what the store keeps.
    pub fn begin(kept: &str, preset: Option<&Self>) -> Result<Value, InvalidPolicy> {
        let kept = document(kept);
        let Some(preset) = preset else { return kept };
        let mut begun = preset.to_value();
        if let Some(version) = kept.ok().as_ref().and_then(|kept| kept.get(API_VERSION)) {
            begun[API_VERSION] = version.clone();
        }
        Ok(begun)
    }

    /// The API version in the document that the store keeps, which may be damaged otherwise: an
    /// account's requests are answered in its version whatever its tokens are held to.
    ///
    /// # Errors
    /// [`InvalidPolicy`] when it is none that this build knows.
    pub fn version_in(kept: Option<&str>) -> Result<ApiVersion, InvalidPolicy> {
        #[derive(Default, Deserialize)]
        struct Pinned {
            api_version: Option<Value>,
        }
        let pinned = kept.and_then(|text| serde_json::from_str::<Pinned>(text).ok());
        let version = pinned.unwrap_or_default().api_version;
        version.map_or(Ok(ApiVersion::OLDEST), |version| api_version(&version))
    }

    /// The API version that the account is pinned to.
    #[must_use]
    pub const fn api_version(&self) -> ApiVersion {
        self.api_version
    }
}

/// Reads the member; `null` is no version, since an account always has one.
pub(super) fn api_version(value: &Value) -> Result<ApiVersion, InvalidPolicy> {
    ApiVersion::parse(value.as_str().unwrap_or_default())
        .map_err(|unknown| InvalidPolicy::new(API_VERSION, unknown.to_string()))
}

fn document(text: &str) -> Result<Value, InvalidPolicy> {
    serde_json::from_str(text).map_err(|_| InvalidPolicy::new("policy", "must be JSON"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::domain::Preset;

    #[test]
    fn a_new_account_is_pinned_to_the_current_version_in_few_words() {
        let policy = Policy::of_new_account();
        let kept = policy.to_json();
        assert_eq!(
            kept,
            json!({"api_version": ApiVersion::CURRENT}).to_string()
        );
        assert_eq!(Policy::from_json(&kept), Ok(policy));
    }

    #[test]
    fn what_is_kept_says_all_that_is_asked_for() {
        for preset in Preset::ALL {
            let policy = preset.policy();
            assert_eq!(Policy::from_json(&policy.to_json()), Ok(policy));
        }
        let kept = Preset::Synkrato.policy().to_json();
        assert!(
            kept.contains("max_ttl") && !kept.contains("permissions"),
            "{kept}"
        );
    }

    #[test]
    fn an_account_without_a_version_counts_as_the_oldest() {
        for kept in [None, Some("{}"), Some("{\"max_tll\":1}"), Some("{")] {
            assert_eq!(Policy::version_in(kept), Ok(ApiVersion::OLDEST), "{kept:?}");
        }
        assert_eq!(Policy::default().api_version(), ApiVersion::OLDEST);
        let known = r#"{"api_version":"2026-11-25","max_tll":1}"#;
        assert_eq!(Policy::version_in(Some(known)), Ok(ApiVersion::V2026_11_25));
    }

    #[test]
    fn a_version_that_this_build_does_not_know_is_named() {
        let kept = r#"{"api_version":"2999-01-01"}"#;
        for refusal in [
            Policy::version_in(Some(kept)).unwrap_err(),
            Policy::from_json(kept).unwrap_err(),
        ] {
            let said =
                "api_version is 2999-01-01, which is no version known here; the known ones are";
            assert!(refusal.to_string().starts_with(said), "{refusal}");
        }
        for bad in [json!(null), json!(20_261_125), json!("current"), json!("")] {
            let refusal = Policy::parse(json!({"api_version": bad})).unwrap_err();
            assert!(
                refusal.to_string().starts_with("api_version must be"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn a_preset_keeps_the_version_even_one_that_is_not_known() {
        let kept = r#"{"api_version":"2999-01-01","max_active_tokens":5}"#;
        let preset = Preset::Synkrato.policy();
        let begun = Policy::begin(kept, Some(&preset)).unwrap();
        assert_eq!(begun["api_version"], "2999-01-01");
        assert_eq!(begun["max_active_tokens"], json!(null));
        assert_eq!(begun["max_ttl"], "180d");
        let moved = BTreeMap::from([("api_version".to_owned(), json!("2026-11-25"))]);
        assert!(Policy::edited(begun.clone(), &BTreeMap::new()).is_err());
        assert!(Policy::edited(begun, &moved).is_ok());
    }
}
