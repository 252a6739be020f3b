// Checks signed tokens without asking Moneyer, with jose: a token a line on standard input.

import { createInterface } from "node:readline";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const url = process.env.MONEYER_URL ?? "http://127.0.0.1:8080";
const issuer = process.env.ISSUER ?? "moneyer"; // signing.issuer in Moneyer's configuration

// Fetches the public keys when it must: again for a key that it does not know, though not at once.
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", url));

// The algorithm is named here and never taken from the token.
const wanted = { issuer, algorithms: ["EdDSA"], requiredClaims: ["sub", "iat", "jti"] };

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { payload } = await jwtVerify(line.trim(), keys, wanted);
    console.log("good", JSON.stringify(payload));
  } catch (refusal) {
    if (!(refusal instanceof errors.JOSEError)) throw refusal;
    console.log("bad", refusal.message);
  }
}
