//! The audit: reading it, and checking that it is whole.

use crate::{
    app::App,
    domain::{AuditChain, AuditEntry, AuditHash, BrokenChain},
    error::Error,
};

/// How many entries are read at a time; each may be some 25 KB long.
const PAGE: u32 = 100;

/// The audit's entries, page by page, up to the newest one that there was when the reading began:
/// a server may be adding to it.
#[derive(Debug)]
pub struct Pages<'a> {
    app: &'a App,
    after: i64,
    newest: i64,
}

impl<'a> Pages<'a> {
    /// Begins to read after the entry of the number `after`, or with the first.
    ///
    /// # Errors
    /// The store's.
    pub async fn of(app: &'a App, after: Option<i64>) -> Result<Self, Error> {
        let newest = app.store.newest_audit_entries(None, 1).await?;
        // Before the first there is nothing, unless somebody has put it there.
        let after = after.unwrap_or(i64::MIN);
        Ok(Self {
            app,
            after,
            newest: newest.first().map_or(after, |entry| entry.seq),
        })
    }

    /// The next page, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&mut self) -> Result<Option<Vec<AuditEntry>>, Error> {
        if self.after >= self.newest {
            return Ok(None);
        }
        let mut page = self.app.store.audit_entries(self.after, PAGE).await?;
        page.retain(|entry| entry.seq <= self.newest);
        Ok(page.last().map(|entry| entry.seq).map(|last| {
            self.after = last;
            page
        }))
    }
}

/// What checking the whole audit found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The chain as far as it is whole.
    pub chain: AuditChain,
    /// What is wrong, if anything is.
    pub fault: Option<Fault>,
}

/// What may be wrong with an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry is not what it must be.
    #[error(transparent)]
    Broken(BrokenChain),
    /// There is no entry, though there are accounts.
    #[error("The audit is empty, though there are accounts: it was taken out.")]
    Missing,
    /// The chain is whole, but it is not the one that had this hash.
    #[error(
        "No entry has the hash {0}: the audit has been cut off, or written anew, since that was its last."
    )]
    Unknown(AuditHash),
}

/// Checks the whole audit, and that one of its entries has the hash `known`, if that is given.
///
/// # Errors
/// The store's. A broken chain is no error but a verdict.
pub async fn verify(app: &App, known: Option<AuditHash>) -> Result<Verdict, Error> {
    let mut chain = AuditChain::EMPTY;
    // An audit that had no entry had this hash as its last.
    let mut found = known.is_none_or(|known| known == AuditHash::NONE);
    let mut pages = Pages::of(app, None).await?;
    while let Some(page) = pages.next().await? {
        for entry in &page {
            if let Err(broken) = chain.check(entry) {
                let fault = Some(Fault::Broken(broken));
                return Ok(Verdict { chain, fault });
            }
            found |= known == Some(entry.hash);
        }
    }
    let unknown = known.filter(|_| !found).map(Fault::Unknown);
    let fault = if chain == AuditChain::EMPTY && !app.store.list_accounts().await?.is_empty() {
        Some(Fault::Missing)
    } else {
        unknown
    };
    Ok(Verdict { chain, fault })
}
