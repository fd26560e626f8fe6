// opencode, one shot, over each of the three wires that its provider packages speak.

import { KEY, MODEL, V1, assert, main, scenario, test } from "./cases.mjs";
import { ERRAND, errandDone, place, run, write } from "./agents.mjs";

const WIRES = { chat: "@ai-sdk/openai-compatible", responses: "@ai-sdk/openai", messages: "@ai-sdk/anthropic" };

async function opencode(words, { wire = "chat", where = place(), model = MODEL, key = KEY, args = [] } = {}) {
  const provider = {
    npm: WIRES[wire],
    name: "gateway",
    options: { baseURL: V1, apiKey: key },
    models: { [model]: {} },
  };
  const config = {
    model: `gateway/${model}`,
    small_model: `gateway/${model}`,
    autoupdate: false,
    share: "disabled",
    provider: { gateway: provider },
  };
  write(where.work, "opencode.json", JSON.stringify(config));
  const settings = { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" };
  const done = await run("opencode", ["run", "--auto", "--format", "json", ...args, words], where, settings);
  const events = done.out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const said = events.filter((event) => event.type === "text").map((event) => event.part.text).join("\n");
  const errors = JSON.stringify(events.filter((event) => event.type === "error"));
  const tokens = events.filter((event) => event.type === "step_finish").map((event) => event.part.tokens);
  return { where, said, errors, tokens, ...done };
}

for (const wire of Object.keys(WIRES)) {
  test(`errand over ${wire}`, async () => {
    const done = await opencode(ERRAND, { wire });
    errandDone(done.where, done.said);
    assert.equal(done.tokens.length, 3);
    for (const step of done.tokens) assert.ok(step.input > 0 && step.output > 0, JSON.stringify(step));
  });

  test(`unknown model over ${wire}`, async () => {
    const done = await opencode("Hello", { wire, model: "no-such-model" });
    assert.match(done.errors + done.err, /no-such-model/);
  });

  test(`break in mid-stream over ${wire}`, async () => {
    await scenario({ match: { contains: `heron-break-${wire}` }, fault: "drop@5", times: 1 });
    const done = await opencode(`Say heron-break-${wire}`, { wire });
    assert.match(done.said, /message came all the way/, done.errors); // it asks again
  });
}

test("session goes on", async () => {
  const first = await opencode(ERRAND);
  const done = await opencode("Run `cat note.txt` and tell me what came of it.", {
    where: first.where,
    args: ["--continue"],
  });
  assert.match(done.said, /cat note\.txt.*blue heron/);
});

test("wrong key", async () => {
  const done = await opencode("Hello", { key: "sk-wrong" });
  assert.match(done.errors + done.err, /API key|401/i);
});

await main();
