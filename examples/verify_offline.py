#!/usr/bin/env python3
"""Checks signed tokens without asking Moneyer, with PyJWT: a token a line on standard input."""

import json
import os
import sys

import jwt  # PyJWT, with cryptography

URL = os.environ.get("MONEYER_URL", "http://127.0.0.1:8080")
ISSUER = os.environ.get("ISSUER", "moneyer")  # signing.issuer in Moneyer's configuration
CLAIMS = ["iss", "sub", "iat", "jti"]

# Fetches the public keys when it must, and keeps them for five minutes.
keys = jwt.PyJWKClient(URL + "/.well-known/jwks.json")


def check(token):
    key = keys.get_signing_key_from_jwt(token)
    # The algorithm is named here and never taken from the token.
    return jwt.decode(token, key, algorithms=["EdDSA"], issuer=ISSUER, options={"require": CLAIMS})


for line in sys.stdin:
    try:
        print("good", json.dumps(check(line.strip()), sort_keys=True))
    except jwt.PyJWTError as refusal:
        print("bad", refusal)
