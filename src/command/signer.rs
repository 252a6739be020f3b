//! Signing new tokens, where an account's policy wants that.

use std::sync::Arc;

use crate::{
    app::App,
    domain::{SealedToken, Token, TokenDigest},
    signing::Claims,
    store::{SignedToken, Signer},
};

/// Seals a signed token for whoever may list it.
pub(super) type Seal = dyn Fn(&Token, &TokenDigest) -> Option<SealedToken> + Send + Sync;

/// Signs a token in the place of the opaque one `drawn`, whose random bytes tell it from all others,
/// with the server's keys as they are when it is kept.
pub(super) fn signer(app: &App, drawn: &Token, seal: Box<Seal>) -> Signer {
    let signing = Arc::clone(&app.signing);
    let random = drawn.to_bytes();
    let unique = *random.first_chunk().expect("it has 16 bytes");
    Signer(Arc::new(move |to_sign| {
        let claims = Claims {
            unique,
            issued_at: to_sign.issued_at,
            expires_at: to_sign.expires_at,
            scopes: &to_sign.scopes,
        };
        let signed = signing.sign(
            to_sign.algorithm,
            to_sign.account,
            to_sign.generation,
            &claims,
        );
        let (text, signing_key) = signed?;
        let token = Token::parse(&text).expect("a signed token has the form of a token");
        let digest = TokenDigest::of(&token);
        Some(SignedToken {
            sealed: seal(&token, &digest),
            token,
            digest,
            signing_key,
        })
    }))
}
