// Codex, one shot: the errand over HTTP and WebSocket, its patch tool, structured output, errors, breaks.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KEY, MODEL, V1, asked, assert, main, scenario, test } from "./cases.mjs";
import { ERRAND, errandDone, place, run, write } from "./agents.mjs";

const FREE = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"];

function config(model, more, provider) {
  return `model = "${model}"
model_provider = "gateway"
${more}
[model_providers.gateway]
name = "gateway"
base_url = "${V1}"
wire_api = "responses"
env_key = "GATEWAY_KEY"
${provider}
`;
}

async function codex(words, { where = place(), model = MODEL, more = "", provider = "", args = [], key = KEY } = {}) {
  write(where.home, ".codex/config.toml", config(model, more, provider));
  const last = join(where.home, "last.txt");
  const done = await run("codex", ["exec", ...args, ...FREE, "-o", last, words], where, { GATEWAY_KEY: key });
  let said = "";
  try {
    said = readFileSync(last, "utf8");
  } catch {
    // it writes none when it fails
  }
  return { where, said, ...done };
}

test("errand", async () => {
  const done = await codex(ERRAND);
  assert.equal(done.code, 0, done.err.slice(-600));
  errandDone(done.where, done.said);
  assert.match(done.err, /tokens used\s+[1-9]/);
});

test("errand over WebSocket", async () => {
  const begun = Date.now();
  const done = await codex(ERRAND, { provider: "supports_websockets = true" });
  errandDone(done.where, done.said);
  assert.ok(Date.now() - begun < 25_000, "it waited for a socket that did not answer");
});

test("errand with apply_patch", async () => {
  const where = place();
  const { models } = JSON.parse((await run("codex", ["debug", "models"], where)).out);
  const known = models.find((one) => one.apply_patch_tool_type === "freeform" && !one.use_responses_lite);
  const catalog = write(where.home, "models.json", JSON.stringify({ models: [{ ...known, slug: MODEL }] }));
  const more = `model_catalog_json = "${catalog}"`;
  const done = await codex(`${ERRAND} Use the apply_patch tool.`, { where, more });
  errandDone(done.where, done.said);
  assert.match(done.err, /apply patch|patch: completed/i);
});

test("session goes on", async () => {
  const first = await codex(ERRAND);
  const args = ["resume", "--last"];
  const done = await codex("Run `cat note.txt` and tell me what came of it.", { where: first.where, args });
  assert.match(done.said, /cat note\.txt.*blue heron/);
});

test("structured output", async () => {
  const where = place();
  const properties = { city: { type: "string" }, count: { type: "integer" } };
  const schema = { type: "object", properties, required: ["city", "count"], additionalProperties: false };
  const args = ["--output-schema", write(where.home, "schema.json", JSON.stringify(schema))];
  const done = await codex("How many people live in Oslo?", { where, args });
  assert.deepEqual(Object.keys(JSON.parse(done.said)).sort(), ["city", "count"]);
});

test("unknown model", async () => {
  const done = await codex("Hello", { model: "no-such-model" });
  assert.notEqual(done.code, 0);
  assert.match(done.err, /no-such-model.*(does not exist|not found|not known)/is);
});

test("wrong key", async () => {
  const done = await codex("Hello", { key: "sk-wrong" });
  assert.notEqual(done.code, 0);
  assert.match(done.err, /401/);
});

test("break in mid-stream", async () => {
  await scenario({ match: { contains: "heron-break" }, fault: "drop@5", times: 1 });
  const done = await codex("Say heron-break");
  assert.match(done.said, /You wrote: “Say heron-break”/);
});

test("429 with retry-after", async () => {
  const before = (await asked()).length;
  await scenario({ match: { contains: "heron-limit" }, fault: "429=1", times: 6 });
  const done = await codex("Say heron-limit");
  assert.match(done.said, /heron-limit/);
  assert.ok((await asked()).length - before > 6);
});

await main();
