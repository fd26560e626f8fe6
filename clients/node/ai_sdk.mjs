// Vercel's AI SDK with six providers: text, streams, loops of tools, parallel tools, objects, reasoning, usage.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenResponses } from "@ai-sdk/open-responses";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createXai } from "@ai-sdk/xai";
import * as ai from "ai";
import { z } from "zod";
import { BACKEND, KEY, MODEL, V1, Skip, assert, main, scenario, test, thrown } from "./cases.mjs";
import { HELLO, PNG, QUESTION, RESULT, TWO_PLACES } from "./weather.mjs";

const { generateObject, generateText, stepCountIs, streamText, tool } = ai;
const drawImage = ai.generateImage ?? ai.experimental_generateImage;

const given = { baseURL: V1, apiKey: KEY };
const openai = createOpenAI(given);
const compatible = createOpenAICompatible({ ...given, name: "gateway", includeUsage: true, supportsStructuredOutputs: true });
const xai = createXai(given);
const PROVIDERS = {
  "openai chat": openai.chat,
  "openai responses": openai.responses,
  "openai-compatible": compatible.chatModel,
  ...(xai.chat && { "xai chat": xai.chat }), // 5.x speaks Responses only
  ...(xai.responses && { "xai responses": xai.responses }),
  anthropic: createAnthropic(given),
  "open-responses": createOpenResponses({ name: "gateway", url: `${V1}/responses`, apiKey: KEY }),
};
/** The provider fetches no URL of another server on loopback, which the simulator's pictures have. */
const providerOptions = { gateway: { response_format: "b64_json" } };
const Found = z.object({ city: z.string(), count: z.number().int() });

function weather(seen) {
  return tool({
    description: "The weather",
    inputSchema: z.object({ location: z.string() }),
    execute: async ({ location }) => (seen.push(location), RESULT),
  });
}

// Messages show thinking to those who ask for it.
const THINKING = { anthropic: { thinking: { type: "enabled", budgetTokens: 2000 } } };

async function streamed(options) {
  const parts = [];
  const stream = streamText({ maxRetries: 0, onError() {}, ...options });
  for await (const part of stream.fullStream) parts.push(part);
  return { parts, stream };
}

for (const [name, provider] of Object.entries(PROVIDERS)) {
  const model = provider(MODEL);
  const base = { model, maxRetries: 0 };

  test(`${name}: generateText`, async () => {
    const { text, usage, finishReason } = await generateText({ ...base, system: "Be brief.", prompt: HELLO });
    assert.match(text, /sky/);
    assert.equal(finishReason, "stop");
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
  });

  test(`${name}: streamText, reasoning, usage`, async () => {
    const { parts, stream } = await streamed({ ...base, prompt: HELLO, providerOptions: THINKING });
    assert.deepEqual(parts.filter((part) => part.type === "error"), []);
    assert.match(await stream.text, /sky/);
    const usage = await stream.usage;
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
    if (name !== "openai chat") assert.match((await stream.reasoningText) ?? "", /Reading the question/);
  });

  test(`${name}: tools`, async () => {
    for (const run of [generateText, async (options) => (await streamed(options)).stream]) {
      const seen = [];
      const tools = { get_weather: weather(seen) };
      const done = await run({ ...base, prompt: QUESTION, tools, stopWhen: stepCountIs(4) });
      assert.match(await done.text, /4 degrees/);
      assert.deepEqual(seen, ["Oslo"]);
      assert.equal((await done.steps).length, 2);
    }
  });

  test(`${name}: parallel tools`, async () => {
    for (const run of [generateText, async (options) => (await streamed(options)).stream]) {
      const seen = [];
      const done = await run({ ...base, prompt: TWO_PLACES, tools: { get_weather: weather(seen) }, stopWhen: stepCountIs(4) });
      assert.match(await done.text, /4 degrees/);
      assert.deepEqual(seen.sort(), ["Bergen", "Oslo"]);
    }
  });

  test(`${name}: forced tool`, async () => {
    const tools = { get_weather: tool({ inputSchema: z.object({ location: z.string() }) }) };
    const done = await generateText({ ...base, prompt: "Hello, Oslo", tools, toolChoice: "required" });
    assert.equal(done.toolCalls[0].toolName, "get_weather");
    assert.equal(done.finishReason, "tool-calls");
  });

  test(`${name}: generateObject`, async () => {
    if (generateObject) {
      Found.parse((await generateObject({ ...base, prompt: HELLO, schema: Found })).object);
    } else {
      Found.parse((await generateText({ ...base, prompt: HELLO, output: ai.Output.object({ schema: Found }) })).output);
    }
  });

  test(`${name}: several turns`, async () => {
    const first = await generateText({ ...base, prompt: QUESTION, tools: { get_weather: weather([]) }, stopWhen: stepCountIs(4) });
    const before = (first.responseMessages ?? first.response.messages);
    const messages = [{ role: "user", content: QUESTION }, ...before, { role: "user", content: "And why is the sky blue?" }];
    const second = await generateText({ ...base, messages, tools: { get_weather: weather([]) } });
    assert.match(second.text, /sky/);
  });

  test(`${name}: picture in`, async () => {
    const content = [{ type: "text", text: "What is this?" }, { type: "image", image: Buffer.from(PNG, "base64") }];
    assert.ok((await generateText({ ...base, messages: [{ role: "user", content }] })).text);
  });

  test(`${name}: unknown model`, async () => {
    const error = await thrown(() => generateText({ model: provider("no-such-model"), prompt: HELLO, maxRetries: 0 }));
    assert.match(error.message, /no-such-model/);
  });

  test(`${name}: 429`, async () => {
    const word = `heron-limit-${name.replace(" ", "-")}`;
    await scenario({ match: { contains: word }, fault: "429=1", times: 3 });
    const error = await thrown(() => generateText({ ...base, prompt: word }));
    assert.equal(error.statusCode, 429);
    assert.ok(Number(error.responseHeaders["retry-after"]) >= 1);
    assert.ok(error.isRetryable);
  });

  test(`${name}: break in mid-stream`, async () => {
    const word = `heron-break-${name.replace(" ", "-")}`;
    await scenario({ match: { contains: word }, fault: "drop@5", times: 1 });
    const { parts } = await streamed({ ...base, prompt: word });
    const failed = (part) => part.type === "error" || part.finishReason === "error";
    assert.ok(parts.some(failed), JSON.stringify(parts.slice(-3)));
  });
}

test("openai-compatible: pictures", async () => {
  if (BACKEND !== "grok.com") throw new Skip("pictures are drawn by grok.com only");
  const model = compatible.imageModel("grok-imagine-image");
  const made = await drawImage({ model, prompt: "a heron", providerOptions, maxRetries: 0 });
  assert.ok(made.image.base64.length > 100);
});

test("openai: pictures", async () => {
  if (BACKEND !== "grok.com") throw new Skip("pictures are drawn by grok.com only");
  const made = await drawImage({ model: openai.image("grok-imagine-image"), prompt: "a heron", n: 2, maxRetries: 0 });
  assert.equal(made.images.length, 2);
});

test("openai-compatible: edits", async () => {
  if (BACKEND !== "grok.com") throw new Skip("pictures are drawn by grok.com only");
  const model = compatible.imageModel("grok-imagine-image-edit");
  const prompt = { text: "make it blue", images: [Buffer.from(PNG, "base64")] };
  const edited = await drawImage({ model, prompt, providerOptions, maxRetries: 0 });
  assert.ok(edited.image.base64.length > 100);
});

test("openai: edits", async () => {
  if (BACKEND !== "grok.com") throw new Skip("pictures are drawn by grok.com only");
  const prompt = { text: "make it blue", images: [Buffer.from(PNG, "base64")] };
  const edited = await drawImage({ model: openai.image("grok-imagine-image-edit"), prompt, maxRetries: 0 });
  assert.ok(edited.image.base64.length > 100);
});

await main();
