-- The whole schema of Moneyer's store, in its current version (user_version below).
--
-- Times are seconds since 1970-01-01T00:00:00Z. Ids are the 64-bit numbers that the public ids show in
-- hexadecimal. No column holds a usable secret: keys are kept as argon2id hashes, tokens as SHA-256 digests
-- and as copies sealed under a key that only the holder of the private key can derive.

PRAGMA application_id = 0x4D6E7972; -- "Mnyr"
PRAGMA user_version = 8;

CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    policy      TEXT,                       -- a JSON object: what its tokens are held to when they are minted, and its API version
    generation  INTEGER NOT NULL DEFAULT 0, -- tokens of an earlier one have ended
    swept       INTEGER NOT NULL DEFAULT 0  -- up to which generation they are marked so
) STRICT;

CREATE INDEX accounts_to_sweep ON accounts (id) WHERE swept < generation;

CREATE TABLE keys (
    id           INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES accounts (id),
    selector     INTEGER NOT NULL UNIQUE, -- 64 bits of a SHA-256 of the key: finds the row
    phc          TEXT    NOT NULL,        -- argon2id of the key, as a PHC string: confirms it
    role         TEXT    NOT NULL CHECK (role IN ('mint', 'verify', 'admin')),
    label        TEXT    NOT NULL,
    note         TEXT    NOT NULL DEFAULT '',
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    disabled_at  INTEGER,
    carried_to   INTEGER REFERENCES keys (id) -- the newest of the keys that its good tokens were carried over to
) STRICT;

CREATE INDEX keys_of_account ON keys (account_id);
CREATE INDEX keys_carried ON keys (carried_to) WHERE carried_to IS NOT NULL;

-- A token has ended when ended_at is set, when expires_at has come, or when its account has a later generation;
-- the sweeper then sets ended_at.
CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY,                  -- the order of minting
    digest     BLOB    NOT NULL,                     -- SHA-256 of the token's text
    key_id     INTEGER NOT NULL REFERENCES keys (id),
    sealed     BLOB,                                 -- the token, readable with the private key alone
    name       TEXT,                                 -- what people call it
    signing_key INTEGER,                             -- the key that signed it, if one did
    settings   TEXT,                                 -- a JSON object
    created_at INTEGER NOT NULL,
    imported_at INTEGER,                             -- when it came here, if it was made elsewhere
    expires_at INTEGER,
    ended_at   INTEGER,
    generation INTEGER NOT NULL DEFAULT 0            -- its account's when it was minted
) STRICT;

CREATE INDEX tokens_expiring ON tokens (expires_at) WHERE ended_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX tokens_signed ON tokens (signing_key) WHERE ended_at IS NULL AND signing_key IS NOT NULL;
CREATE INDEX tokens_ended ON tokens (ended_at) WHERE ended_at IS NOT NULL;

-- Finds tokens by their digests. Each one's place in it is random, so each would cost a minting transaction a page
-- more: those of the newest tokens are put in later, many at once and in their order. Until then they are found
-- among the rows that are not reached yet.
CREATE TABLE digest_index (
    start    BLOB    NOT NULL, -- the first 8 bytes of the digest, which the token's public id shows
    token_id INTEGER NOT NULL, -- a row of tokens
    PRIMARY KEY (start, token_id)
) STRICT, WITHOUT ROWID;

-- The one row says how far the index is. Tokens that ended long ago are taken out of it before they are deleted.
CREATE TABLE digest_index_reach (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    indexed  INTEGER NOT NULL, -- it has all tokens up to this one, and of later ones those that were imported
    indexing INTEGER NOT NULL  -- those up to this one are being put in, so that none of them may be purged
) STRICT;

INSERT INTO digest_index_reach VALUES (1, 0, 0);

-- Finds the tokens of a key that are not marked as ended, in the order of minting. Each key has a place of its own
-- in it, so that minting with many keys would cost a transaction many pages more: the newest tokens are put in
-- later, many of a key at once. Until then they are found among the rows that are not reached yet, which are few.
CREATE TABLE live_index (
    key_id     INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    token_id   INTEGER NOT NULL, -- a row of tokens
    PRIMARY KEY (key_id, generation, token_id)
) STRICT, WITHOUT ROWID;

-- How far the index is. A fourth of the keys at a time is put in, so that minting never waits for long.
CREATE TABLE live_index_reach (
    part    INTEGER PRIMARY KEY CHECK (part BETWEEN 0 AND 3), -- the keys for which key_id & 3 is this
    indexed INTEGER NOT NULL     -- of their tokens it has all up to this one that are not marked as ended, and none later
) STRICT;

INSERT INTO live_index_reach VALUES (0, 0), (1, 0), (2, 0), (3, 0);

-- Entries of that index whose tokens were marked as ended when they had expired, as many do at once: they are taken
-- out later, many of a key at once. Until then they lead to ended tokens.
CREATE TABLE live_index_expired (
    token_id   INTEGER PRIMARY KEY,
    key_id     INTEGER NOT NULL,
    generation INTEGER NOT NULL
) STRICT;

-- Beside filling the index and taking expired tokens out of it, these are all the ways for it to change: no statement
-- revives a token, gives it another number or generation, or deletes one that is not marked as ended.
CREATE TRIGGER live_index_ended AFTER UPDATE OF ended_at ON tokens
WHEN NEW.ended_at IS NOT NULL AND NEW.ended_at IS NOT NEW.expires_at BEGIN
    DELETE FROM live_index WHERE key_id = OLD.key_id AND generation = OLD.generation AND token_id = OLD.id;
END;

CREATE TRIGGER live_index_ended_by_expiry AFTER UPDATE OF ended_at ON tokens WHEN NEW.ended_at = NEW.expires_at BEGIN
    INSERT OR REPLACE INTO live_index_expired SELECT OLD.id, OLD.key_id, OLD.generation FROM live_index_reach
        WHERE part = OLD.key_id & 3 AND OLD.id <= indexed;
END;

CREATE TRIGGER live_index_carried AFTER UPDATE OF key_id ON tokens WHEN NEW.ended_at IS NULL BEGIN
    DELETE FROM live_index WHERE key_id = OLD.key_id AND generation = OLD.generation AND token_id = OLD.id;
    INSERT OR IGNORE INTO live_index SELECT NEW.key_id, NEW.generation, NEW.id FROM live_index_reach
        WHERE part = NEW.key_id & 3 AND NEW.id <= indexed;
END;

-- The tokens that are not marked as ended: those that the index has, the newest, which it does not reach, and both.
-- The newest are looked for from the smallest reach on; then each key's own counts.
CREATE VIEW live_indexed AS
    SELECT i.token_id AS id, i.key_id, i.generation, t.digest, t.sealed, t.name, t.settings, t.created_at,
        t.imported_at, t.expires_at
    FROM live_index i CROSS JOIN tokens t ON t.id = i.token_id WHERE t.ended_at IS NULL;

CREATE VIEW live_newest AS
    SELECT id, key_id, generation, digest, sealed, name, settings, created_at, imported_at, expires_at
    FROM tokens WHERE id > (SELECT min(indexed) FROM live_index_reach) AND ended_at IS NULL
        AND id > (SELECT indexed FROM live_index_reach WHERE part = key_id & 3);

CREATE VIEW live_tokens AS SELECT * FROM live_indexed UNION ALL SELECT * FROM live_newest;

-- How tokens that were verified were used. Apart from the tokens, so that many of these small rows share a page:
-- each is written again and again.
CREATE TABLE uses (
    token_id      INTEGER PRIMARY KEY REFERENCES tokens (id) ON DELETE CASCADE,
    verifications INTEGER NOT NULL, -- how often
    last_used_at  INTEGER NOT NULL  -- when last
) STRICT;

-- What a request with an Idempotency-Key header was answered with, for as long as a retry may come.
CREATE TABLE idempotency (
    key_id     INTEGER NOT NULL REFERENCES keys (id),
    header     BLOB    NOT NULL, -- SHA-256 of the header
    request    BLOB    NOT NULL, -- SHA-256 of what was asked for
    token_id   INTEGER NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, header)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_of_token ON idempotency (token_id);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- What was changed, by whom and when; each entry is chained to the one before it, so that none can be altered or
-- taken out of the middle unnoticed.
CREATE TABLE audit (
    seq   INTEGER PRIMARY KEY, -- 1, 2, 3 and so on
    entry TEXT NOT NULL,       -- a JSON object; it names things by their public ids alone
    hash  BLOB NOT NULL        -- SHA-256 of the hash before (32 zero bytes for the first) and the entry
) STRICT;
