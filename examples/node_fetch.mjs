#!/usr/bin/env node
// Mints, lists and disables tokens with the fetch that Node 18 and later have built in.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const url = `${process.env.MONEYER_URL ?? "http://127.0.0.1:8080"}/v2/auth`;
const key = process.env.MONEYER_API_KEY;

class MoneyerError extends Error {
  constructor(answer, { ERROR: code = "unexpected_answer", MESSAGE: message = answer.statusText }) {
    super(`${code} (${answer.status}): ${message}`);
    this.status = answer.status;
    this.code = code;
    this.retryAfter = Number(answer.headers.get("Retry-After"));
  }
}

async function send(parameters, headers) {
  const answer = await fetch(url, {
    method: "POST", // a query shows in access logs
    headers: { Authorization: `Bearer ${key}`, ...headers },
    body: new URLSearchParams(parameters),
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status === 200) return answer.json();
  throw new MoneyerError(answer, await answer.json().catch(() => ({}))); // {}: a proxy's page, say
}

// Every call may be repeated, so a lost answer is asked for again, and Retry-After is heeded.
async function call(parameters, headers, triesLeft = 2) {
  try {
    return await send(parameters, headers);
  } catch (error) {
    const pause = error instanceof MoneyerError ? error.retryAfter : 1;
    if (!pause || !triesLeft) throw error;
    await sleep(pause * 1000);
    return call(parameters, headers, triesLeft - 1);
  }
}

async function mint(parameters = {}) {
  // The Idempotency-Key makes a repeated call answer with the token already minted.
  return (await call(parameters, { "Idempotency-Key": randomUUID() })).TOKEN;
}

async function list() {
  return (await call({ list: 1 })).TOKENS;
}

async function disable(token) {
  await call({ disableToken: token });
}

async function main() {
  const token = await mint();
  console.log(`minted ${token}`);
  const expire = new Date(Date.now() + 3_600_000).toISOString().replace(/\D/g, "").slice(0, 12);
  console.log(`minted ${await mint({ expire })} until ${expire}`);
  console.log(`listed ${(await list()).length}`);
  await disable(token);
  console.log(`disabled ${token}`);
  console.log(`listed ${(await list()).length}`);
  await disable("0".repeat(32)).catch((error) => {
    if (error.code !== "unknown_token") throw error;
    console.log(`refused ${error.message}`);
  });
  console.log("ok");
}

if (!key) {
  console.error("node_fetch.mjs: set MONEYER_API_KEY to a private key");
  process.exit(2);
}
main().catch((error) => {
  console.error(`node_fetch.mjs: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
});
