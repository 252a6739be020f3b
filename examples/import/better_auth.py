#!/usr/bin/env python3
"""Prints the API keys in a better-auth database (SQLite) as JSON lines for `moneyer token import`.

    better_auth.py auth.sqlite | moneyer token import KEY_ID

The plugin keeps the SHA-256 of each key in base64url, which Moneyer takes in hexadecimal. Keys that are disabled or have
expired are left out, and so are those with a limited number of remaining uses, which Moneyer does not know.
"""

import base64
import json
import sqlite3
import sys
from datetime import datetime, timezone

COLUMNS = "key, name, createdAt, expiresAt, permissions, rateLimitEnabled, rateLimitMax, rateLimitTimeWindow"


def token(row):
    digest = base64.urlsafe_b64decode(row["key"] + "=")
    if len(digest) != 32:
        sys.exit("A key is not kept as a digest (disableKeyHashing): import it as a token instead.")
    settings = {"tags": ["better-auth"], "note": row["name"] or ""}
    permissions = json.loads(row["permissions"] or "{}")
    settings["scopes"] = [f"{what}:{action}" for what, actions in permissions.items() for action in actions]
    if row["rateLimitEnabled"] and row["rateLimitMax"] and row["rateLimitTimeWindow"]:
        seconds = max(1, row["rateLimitTimeWindow"] // 1000)
        settings["rate_limit"] = {"requests": row["rateLimitMax"], "per_seconds": seconds}
    return {
        "sha256": digest.hex(),
        "created_at": row["createdAt"],
        "expires_at": row["expiresAt"],
        "settings": settings,
    }


def main():
    database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    now = datetime.now(timezone.utc).isoformat()
    rows = database.execute(
        f"SELECT {COLUMNS} FROM apikey WHERE enabled AND remaining IS NULL"
        " AND (expiresAt IS NULL OR expiresAt > ?) ORDER BY createdAt",
        [now],
    )
    for row in rows:
        print(json.dumps(token(row)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("better_auth.py: give the database's file", file=sys.stderr)
        sys.exit(2)
    main()
