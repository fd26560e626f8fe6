// Claude Code, one shot: the errand, structured output, errors, breaks, counting, a session that goes on.

import { BACKEND, KEY, MODEL, URL_BASE, asked, assert, main, scenario, test } from "./cases.mjs";
import { ERRAND, errandDone, place, run } from "./agents.mjs";

const SETTINGS = {
  ANTHROPIC_BASE_URL: URL_BASE,
  ANTHROPIC_AUTH_TOKEN: KEY,
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_AUTOUPDATER: "1",
  IS_SANDBOX: "1", // it refuses to work without questions for root otherwise
};
const FREE = ["-p", "--output-format", "json", "--dangerously-skip-permissions"];

async function claude(words, { where = place(), model = MODEL, more = [], settings = SETTINGS } = {}) {
  const done = await run("claude", [...FREE, "--model", model, ...more, words], where, settings);
  const line = done.out.split("\n").findLast((one) => one.startsWith("{"));
  assert.ok(line, `no result: ${done.err.slice(-600)} ${done.out.slice(-600)}`);
  return { where, ...JSON.parse(line) };
}

test("errand", async () => {
  const done = await claude(ERRAND);
  assert.equal(done.is_error, false);
  errandDone(done.where, done.result);
  assert.equal(done.num_turns, 3);
  assert.ok(done.usage.input_tokens > 1000, `input tokens: ${done.usage.input_tokens}`);
  assert.ok(done.usage.output_tokens > 10);
});

test("session goes on", async () => {
  const first = await claude(ERRAND);
  const done = await claude("Run `cat note.txt` and tell me what came of it.", { where: first.where, more: ["--continue"] });
  assert.match(done.result, /cat note\.txt.*blue heron/);
});

test("a tool fails", async () => {
  const done = await claude("Read the file missing.txt and say what it holds.");
  assert.match(done.result, /does not exist|missing\.txt/);
  assert.equal(done.num_turns, 2);
});

test("structured output", async () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, count: { type: "integer" } },
    required: ["city", "count"],
    additionalProperties: false,
  };
  const done = await claude("How many people live in Oslo?", { more: ["--json-schema", JSON.stringify(schema)] });
  assert.deepEqual(Object.keys(done.structured_output).sort(), ["city", "count"]);
  assert.ok(Number.isInteger(done.structured_output.count));
});

test("x-api-key", async () => {
  const { ANTHROPIC_AUTH_TOKEN: key, ...rest } = SETTINGS;
  const done = await claude("Hello", { settings: { ...rest, ANTHROPIC_API_KEY: key } });
  assert.match(done.result, /You wrote/);
});

test("model of its own", async () => {
  const done = await claude("Hello", { model: "claude-opus-5-5" }); // mapped by the alias `claude-*`
  assert.match(done.result, /You wrote/);
});

test("unknown model", async () => {
  const done = await claude("Hello", { model: "no-such-model" });
  assert.equal(done.is_error, true);
  assert.equal(done.api_error_status, 404);
  assert.match(done.result, /issue with the selected model \(no-such-model\)/);
});

test("wrong key", async () => {
  const done = await claude("Hello", { settings: { ...SETTINGS, ANTHROPIC_AUTH_TOKEN: "sk-wrong" } });
  assert.equal(done.api_error_status, 401);
});

test("break while thinking", async () => {
  await scenario({ match: { contains: "heron-thought" }, fault: ["only-thinking", "no-end"], times: 1 });
  const done = await claude("Say heron-thought");
  assert.equal(done.is_error, false, done.result);
  assert.match(done.result, /You wrote/);
});

test("break in mid-answer", async () => {
  await scenario({ match: { contains: "heron-break" }, fault: "drop@5", times: 1 });
  const done = await claude("Say heron-break");
  if (done.is_error) {
    assert.match(done.result, /API Error: .* broke off/); // 2.1.197 asks again only before any block is whole
    return;
  }
  assert.match(done.result, /heron-break|cut off mid-stream/); // newer ones ask to go on from the cut
});

test("429 with retry-after", async () => {
  const before = (await asked()).length;
  await scenario({ match: { contains: "heron-limit" }, fault: "429=1", times: 6 });
  const done = await claude("Say heron-limit");
  assert.match(done.result, /heron-limit/);
  assert.ok((await asked()).length - before > 6);
});

test("count_tokens", async () => {
  const before = (await asked()).length;
  const done = await claude("/context");
  assert.match(done.result, /\*\*Tokens:\*\* [1-9]/);
  assert.equal((await asked()).length, before, `counting asked ${BACKEND}`);
});

await main();
