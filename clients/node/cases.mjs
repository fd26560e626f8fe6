// What the scripts share: they are told where the gateway is, run their cases, and say a line of JSON for each.
// Needs nothing but Node's own library. The same as python/cases.py.

import assert from "node:assert/strict";

const told = process.env;
export const URL_BASE = told.CLIENT_URL;
export const V1 = `${URL_BASE}/v1`;
export const KEY = told.CLIENT_KEY;
export const MODEL = told.CLIENT_MODEL;
export const BACKEND = told.CLIENT_BACKEND;
export const FOLDER = told.CLIENT_FOLDER ?? process.cwd();
const SIMULATOR = told.CLIENT_SIMULATOR;
const ONLY = told.CLIENT_ONLY ?? "";

export { assert };

const known = [];

/** The case is not run; the text says why. */
export class Skip extends Error {}

/** Registers a function, plain or async, as a case. It fails by throwing. */
export function test(name, run) {
  known.push([name, run]);
}

/** Runs every case in the order of the file, and ends the process: a client may leave connections open. */
export async function main() {
  for (const [name, run] of known) {
    if (name.includes(ONLY)) await tried(name, run);
  }
  process.exit(0);
}

async function tried(name, run) {
  try {
    await run();
    tell(name, true);
  } catch (error) {
    tell(name, error instanceof Skip ? null : false, error instanceof Skip ? error.message : said(error));
  }
}

function tell(name, ok, detail = "") {
  process.stdout.write(`\n${JSON.stringify({ case: name, ok, detail })}\n`);
}

function said(error) {
  const line = /(\w+\.mjs:\d+)/.exec(error?.stack ?? "")?.[1] ?? "";
  return `${error?.name}: ${String(error?.message).replace(/\s+/g, " ").slice(0, 900)} (${line})`;
}

/** Tells the simulator what to do with requests that match; see docs/simulator.md. */
export async function scenario(what) {
  const answer = await fetch(`${SIMULATOR}/_sim/scenarios`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(what),
  });
  assert.ok(answer.ok, `the simulator refused the scenario: ${await answer.text()}`);
}

/** How many answers the simulator was asked for so far, over all its chat surfaces. */
export async function asked() {
  const answer = await fetch(`${SIMULATOR}/_sim/journal`);
  const journal = await answer.json();
  const rows = Array.isArray(journal) ? journal : journal.requests;
  return rows.filter((row) => ["web", "socket", "console", "api"].includes(row.endpoint));
}

/** Fails unless `run` throws; gives what was thrown. */
export async function thrown(run) {
  try {
    await run();
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}
