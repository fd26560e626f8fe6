// The Anthropic Node SDK: messages, streams, helpers, thinking, pictures, counting, models, errors, cancelling.

import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import { KEY, MODEL, URL_BASE, asked, assert, main, scenario, test, thrown } from "./cases.mjs";
import { HELLO, PLACE, PNG, QUESTION, RESULT, TWO_PLACES } from "./weather.mjs";

const client = new Anthropic({ baseURL: URL_BASE, apiKey: KEY, maxRetries: 0 });
const Found = z.object({ city: z.string(), count: z.number().int() });
const TOOL = { name: "get_weather", description: "The weather", input_schema: PLACE };
const user = (content) => [{ role: "user", content }];
const base = { model: MODEL, max_tokens: 2000, messages: user(HELLO) };
const textOf = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

test("messages", async () => {
  const answer = await client.messages.create(base);
  assert.match(textOf(answer), /sky/);
  assert.equal(answer.stop_reason, "end_turn");
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
});

test("stream", async () => {
  const kinds = [];
  for await (const event of await client.messages.create({ ...base, stream: true })) kinds.push(event.type);
  assert.equal(kinds[0], "message_start");
  assert.deepEqual(kinds.slice(-2), ["message_delta", "message_stop"]);
});

test("stream helper", async () => {
  const stream = client.messages.stream(base);
  let text = "";
  stream.on("text", (delta) => (text += delta));
  const message = await stream.finalMessage();
  assert.equal(textOf(message), text);
  assert.ok(message.usage.output_tokens > 0);
});

test("thinking comes back", async () => {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const first = await client.messages.stream({ ...base, thinking }).finalMessage();
  const block = first.content.find((one) => one.type === "thinking");
  assert.ok(block.thinking && block.signature);
  const messages = [...base.messages, { role: "assistant", content: first.content }, ...user("And at night?")];
  assert.match(textOf(await client.messages.create({ ...base, thinking, messages })), /night/);
});

test("tools", async () => {
  const first = await client.messages.create({ ...base, messages: user(QUESTION), tools: [TOOL] });
  assert.equal(first.stop_reason, "tool_use");
  const call = first.content.find((block) => block.type === "tool_use");
  assert.deepEqual(call.input, { location: "Oslo" });
  const result = { type: "tool_result", tool_use_id: call.id, content: [{ type: "text", text: RESULT }] };
  const messages = [...user(QUESTION), { role: "assistant", content: first.content }, ...user([result])];
  assert.match(textOf(await client.messages.create({ ...base, messages, tools: [TOOL] })), /4 degrees/);
});

test("parallel tools in a stream", async () => {
  const message = await client.messages.stream({ ...base, messages: user(TWO_PLACES), tools: [TOOL] }).finalMessage();
  const calls = message.content.filter((block) => block.type === "tool_use");
  assert.deepEqual(calls.map((call) => call.input.location), ["Oslo", "Bergen"]);
});

test("forced tool", async () => {
  for (const tool_choice of [{ type: "any" }, { type: "tool", name: "get_weather" }]) {
    const answer = await client.messages.create({ ...base, tools: [TOOL], tool_choice });
    assert.equal(answer.stop_reason, "tool_use");
  }
});

test("tool runner", async () => {
  const seen = [];
  const run = ({ location }) => (seen.push(location), RESULT);
  const tool = { ...TOOL, type: "custom", run, parse: (input) => input };
  const final = await client.beta.messages.toolRunner({ ...base, messages: user(QUESTION), tools: [tool] });
  assert.match(textOf(final), /4 degrees/);
  assert.deepEqual(seen, ["Oslo"]);
});

test("parse", async () => {
  const answer = await client.messages.parse({ ...base, output_config: { format: zodOutputFormat(Found) } });
  Found.parse(answer.parsed_output);
});

test("system, picture and tool result with a picture", async () => {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
  const call = { type: "tool_use", id: "toolu_1", name: "get_weather", input: { location: "Oslo" } };
  const result = { type: "tool_result", tool_use_id: "toolu_1", content: [image, { type: "text", text: RESULT }] };
  const messages = [...user([image, { type: "text", text: "And this?" }]), { role: "assistant", content: [call] }, ...user([result])];
  const system = [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }];
  assert.ok(textOf(await client.messages.create({ ...base, system, messages, tools: [TOOL] })));
});

test("count_tokens", async () => {
  const before = (await asked()).length;
  const counted = await Promise.all(
    Array.from({ length: 24 }, () => client.messages.countTokens({ model: MODEL, messages: base.messages, tools: [TOOL] })),
  );
  assert.ok(counted.every((one) => one.input_tokens > 10));
  assert.equal((await asked()).length, before);
});

test("models", async () => {
  const ids = [];
  for await (const model of client.models.list({ limit: 1000 })) ids.push(model.id);
  assert.ok(ids.includes(MODEL));
  assert.equal((await client.models.retrieve(MODEL)).type, "model");
});

test("bearer", async () => {
  const other = new Anthropic({ baseURL: URL_BASE, authToken: KEY, apiKey: null });
  assert.ok(textOf(await other.messages.create(base)));
});

test("errors", async () => {
  const unknown = await thrown(() => client.messages.create({ ...base, model: "no-such-model" }));
  assert.ok(unknown instanceof Anthropic.NotFoundError);
  assert.equal(unknown.error.error.type, "not_found_error");
  const stranger = new Anthropic({ baseURL: URL_BASE, apiKey: "sk-wrong", maxRetries: 0 });
  assert.ok((await thrown(() => stranger.messages.create(base))) instanceof Anthropic.AuthenticationError);
  const bad = await thrown(() => client.messages.create({ ...base, max_tokens: "many" }));
  assert.ok(bad instanceof Anthropic.BadRequestError);
});

test("429 with retry-after", async () => {
  await scenario({ match: { contains: "heron-limit" }, fault: "429=1", times: 6 });
  const limited = { ...base, messages: user("Say heron-limit") };
  const error = await thrown(() => client.messages.create(limited));
  assert.ok(error instanceof Anthropic.RateLimitError);
  assert.ok(Number(error.headers.get("retry-after")) >= 1);
  const patient = new Anthropic({ baseURL: URL_BASE, apiKey: KEY, maxRetries: 5 });
  assert.match(textOf(await patient.messages.create(limited)), /heron-limit/);
});

test("break in mid-stream", async () => {
  await scenario({ match: { contains: "heron-break" }, fault: "drop@5", times: 1 });
  const error = await thrown(() => client.messages.stream({ ...base, messages: user("heron-break") }).finalMessage());
  assert.match(error.message, /broke off/);
});

test("cancel", async () => {
  await scenario({ match: { contains: "heron-cancel" }, fault: ["long@300", "slow=0.05"] });
  const stream = await client.messages.create({ ...base, messages: user("heron-cancel"), stream: true });
  for await (const event of stream) if (event.type === "content_block_delta") break;
  stream.controller.abort();
  const left = async () => (await asked()).at(-1).ended === "disconnected";
  const deadline = Date.now() + 5000;
  while (!(await left()) && Date.now() < deadline) await new Promise((done) => setTimeout(done, 100));
  assert.ok(await left(), "the upstream was not left");
});

await main();
