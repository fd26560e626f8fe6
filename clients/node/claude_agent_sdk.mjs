// The Claude Agent SDK: the errand, a tool of the caller's own, structured output, an unknown model.

import { createSdkMcpServer, query, tool } from "@anthropic-ai/claude-agent-sdk";
import { z } from "zod";
import { KEY, MODEL, URL_BASE, assert, main, test } from "./cases.mjs";
import { ERRAND, errandDone, place } from "./agents.mjs";
import { QUESTION, RESULT, SHAPE } from "./weather.mjs";

async function asked(prompt, more = {}, where = place()) {
  const env = {
    PATH: process.env.PATH,
    HOME: where.home,
    ANTHROPIC_BASE_URL: URL_BASE,
    ANTHROPIC_AUTH_TOKEN: KEY,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    IS_SANDBOX: "1",
  };
  const options = { model: MODEL, cwd: where.work, env, permissionMode: "bypassPermissions", allowDangerouslySkipPermissions: true };
  let result;
  try {
    for await (const message of query({ prompt, options: { ...options, ...more } })) {
      if (message.type === "result") result = message;
    }
  } catch (error) {
    if (!result) throw error; // it throws once more what the result says
  }
  return { where, ...result };
}

test("errand", async () => {
  const done = await asked(ERRAND);
  errandDone(done.where, done.result);
  assert.ok(done.usage.input_tokens > 0);
});

test("a tool of the caller's own", async () => {
  const seen = [];
  const run = async ({ location }) => (seen.push(location), { content: [{ type: "text", text: RESULT }] });
  const mine = tool("get_weather", "The weather", { location: z.string() }, run);
  const mcpServers = { mine: createSdkMcpServer({ name: "mine", tools: [mine], alwaysLoad: true }) };
  const done = await asked(QUESTION.replace("get_weather", "mcp__mine__get_weather"), { mcpServers });
  assert.deepEqual(seen, ["Oslo"]);
  assert.match(done.result, /4 degrees/);
});

test("structured output", async () => {
  const done = await asked("How many people live in Oslo?", { outputFormat: { type: "json_schema", schema: SHAPE } });
  assert.deepEqual(Object.keys(done.structured_output).sort(), ["city", "count"]);
});

test("unknown model", async () => {
  const done = await asked("Hello", { model: "no-such-model" });
  assert.equal(done.is_error, true);
  assert.match(done.result, /no-such-model/);
});

await main();
