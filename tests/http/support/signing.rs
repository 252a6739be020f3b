//! The server's signing keys, changed as the command line changes them.

use std::collections::BTreeMap;

use moneyer::{
    domain::{Algorithm, SigningKeyId},
    error::Error,
    operator::account,
    signing::{Custody, KeyFile, KeySet},
};
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;

use super::{NOW, Server, block_on};

impl Server {
    /// The file that the keys are in.
    pub fn key_file(&self) -> KeyFile {
        let store = self.app.store.path();
        KeyFile::new(store.with_file_name("signing-keys.json"), Custody::Operator)
    }

    /// Changes the keys with randomness that `seed` fixes, and has the server follow.
    pub fn change_signing_keys<T>(
        &self,
        seed: u64,
        work: impl FnOnce(&mut KeySet, &mut StdRng) -> Result<T, Error>,
    ) -> T {
        let mut rng = StdRng::seed_from_u64(seed);
        let made = self.key_file().change(|keys| work(keys, &mut rng));
        self.app.follow_signing();
        made.unwrap()
    }

    pub fn create_signing_key(&self, algorithm: Algorithm) -> SigningKeyId {
        let seed = 1 + u64::from(algorithm == Algorithm::Hs256);
        self.change_signing_keys(seed, |keys, rng| keys.create(algorithm, NOW, rng))
    }

    /// Has a new key sign; gives the one that signed before.
    pub fn rotate_signing_key(&self, algorithm: Algorithm) -> SigningKeyId {
        let rotate = |keys: &mut KeySet, rng: &mut StdRng| keys.rotate(algorithm, NOW, rng);
        self.change_signing_keys(3, rotate).old
    }

    pub fn retire_signing_key(&self, id: SigningKeyId) {
        self.change_signing_keys(4, |keys, _| keys.retire(id));
    }

    /// Has an account's new tokens be of this format.
    pub fn set_format(&self, account: &str, format: &str) {
        let changes = BTreeMap::from([("format".to_owned(), json!(format))]);
        block_on(account::edit_policy(&self.app, account, None, changes)).unwrap();
    }
}
