// Continue's `cn`, one shot, with its OpenAI and its Anthropic provider.

import { KEY, MODEL, V1, assert, main, test } from "./cases.mjs";
import { ERRAND, errandDone, place, run, write } from "./agents.mjs";

async function cn(words, { provider = "openai", where = place(), model = MODEL, key = KEY } = {}) {
  const config = `name: gateway
version: 0.0.1
schema: v1
models:
  - name: grok
    provider: ${provider}
    model: ${model}
    apiBase: ${V1}
    apiKey: ${key}
    roles: [chat]
    capabilities: [tool_use]
`;
  const args = ["--config", write(where.home, "gateway.yaml", config), "--auto", "-p", words];
  return { where, ...(await run("cn", args, where, { CONTINUE_TELEMETRY_ENABLED: "0" })) };
}

for (const provider of ["openai", "anthropic"]) {
  test(`errand as ${provider}`, async () => {
    const done = await cn(ERRAND, { provider });
    errandDone(done.where, done.out + done.err);
  });

  test(`unknown model as ${provider}`, async () => {
    const done = await cn("Hello", { provider, model: "no-such-model" });
    assert.match(done.out + done.err, /no-such-model/);
  });
}

test("a tool fails", async () => {
  const done = await cn("Read the file missing.txt and say what it holds.");
  assert.match(done.out, /missing\.txt/);
});

await main();
