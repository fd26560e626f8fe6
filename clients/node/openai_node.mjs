// The OpenAI Node SDK: chat, Responses and their chain, helpers, pictures, models, errors, cancelling.

import OpenAI, { toFile } from "openai";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { BACKEND, KEY, MODEL, V1, Skip, asked, assert, main, scenario, test, thrown } from "./cases.mjs";
import { HELLO, PLACE, PNG, QUESTION, RESULT, SHAPE, TWO_PLACES } from "./weather.mjs";

const client = new OpenAI({ baseURL: V1, apiKey: KEY, maxRetries: 0 });
const Found = z.object({ city: z.string(), count: z.number().int() });
const TOOL = { type: "function", function: { name: "get_weather", parameters: PLACE } };
const FLAT = { type: "function", name: "get_weather", parameters: PLACE, strict: true };
const user = (content) => [{ role: "user", content }];
const chat = (more) => client.chat.completions.create({ model: MODEL, messages: user(HELLO), ...more });

async function all(stream) {
  const got = [];
  for await (const one of stream) got.push(one);
  return got;
}

test("chat", async () => {
  const answer = await chat({});
  assert.match(answer.choices[0].message.content, /sky/);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0);
});

test("chat: stream", async () => {
  const chunks = await all(await chat({ stream: true, stream_options: { include_usage: true } }));
  assert.match(chunks.map((one) => one.choices[0]?.delta.content ?? "").join(""), /sky/);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
  assert.ok((await all(await chat({ stream: true }))).every((one) => !one.usage));
});

test("chat: stream helper", async () => {
  const runner = client.chat.completions.stream({ model: MODEL, messages: user(HELLO) });
  let text = "";
  runner.on("content", (delta) => (text += delta));
  assert.equal((await runner.finalMessage()).content, text);
});

test("chat: tools", async () => {
  const first = await chat({ messages: user(QUESTION), tools: [TOOL] });
  const [call] = first.choices[0].message.tool_calls;
  assert.equal(first.choices[0].finish_reason, "tool_calls");
  assert.deepEqual(JSON.parse(call.function.arguments), { location: "Oslo" });
  const result = { role: "tool", tool_call_id: call.id, content: RESULT };
  const messages = [...user(QUESTION), first.choices[0].message, result];
  const second = await chat({ messages, tools: [TOOL] });
  assert.match(second.choices[0].message.content, /4 degrees/);
});

test("chat: parallel tools in a stream", async () => {
  const stream = client.chat.completions.stream({ model: MODEL, messages: user(TWO_PLACES), tools: [TOOL] });
  const calls = (await stream.finalMessage()).tool_calls;
  assert.deepEqual(calls.map((call) => JSON.parse(call.function.arguments).location), ["Oslo", "Bergen"]);
  assert.notEqual(calls[0].id, calls[1].id);
});

test("chat: forced tool", async () => {
  for (const tool_choice of ["required", { type: "function", function: { name: "get_weather" } }]) {
    const answer = await chat({ tools: [TOOL], tool_choice });
    assert.equal(answer.choices[0].message.tool_calls[0].function.name, "get_weather");
  }
  assert.ok(!(await chat({ messages: user(QUESTION), tools: [TOOL], tool_choice: "none" })).choices[0].message.tool_calls);
});

test("chat: runTools", async () => {
  const seen = [];
  const run = ({ location }) => (seen.push(location), RESULT);
  const tool = zodFunction({ name: "get_weather", parameters: z.object({ location: z.string() }), function: run });
  for (const stream of [false, true]) {
    const runner = client.chat.completions.runTools({ model: MODEL, messages: user(QUESTION), tools: [tool], stream });
    assert.match(await runner.finalContent(), /4 degrees/);
  }
  assert.deepEqual(seen, ["Oslo", "Oslo"]);
});

test("chat: parse", async () => {
  const format = zodResponseFormat(Found, "found");
  const answer = await client.chat.completions.parse({ model: MODEL, messages: user(HELLO), response_format: format });
  Found.parse(answer.choices[0].message.parsed);
});

test("chat: two choices", async () => {
  assert.equal((await chat({ n: 2 })).choices.length, 2);
});

test("chat: picture in", async () => {
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
  const answer = await chat({ messages: user([{ type: "text", text: "What is this?" }, image]) });
  assert.ok(answer.choices[0].message.content);
});

test("chat: nulls and unknown fields", async () => {
  const answer = await chat({ tools: null, stop: null, response_format: null, verbosity: "low", no_such_field: { a: 1 } });
  assert.ok(answer.choices[0].message.content);
});

test("responses", async () => {
  const answer = await client.responses.create({ model: MODEL, input: HELLO, store: false });
  assert.match(answer.output_text, /sky/);
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
});

test("responses: stream", async () => {
  const events = await all(await client.responses.create({ model: MODEL, input: HELLO, stream: true }));
  assert.deepEqual(events.map((one) => one.sequence_number), events.map((_, at) => at));
  assert.equal(events.at(-1).type, "response.completed");
  assert.ok(events.some((one) => one.type === "response.reasoning_summary_text.delta"));
});

test("responses: stream helper", async () => {
  const stream = client.responses.stream({ model: MODEL, input: HELLO });
  assert.match((await stream.finalResponse()).output_text, /sky/);
});

test("responses: tools", async () => {
  const first = await client.responses.create({ model: MODEL, input: QUESTION, tools: [FLAT], store: false });
  const call = first.output.find((item) => item.type === "function_call");
  assert.deepEqual(JSON.parse(call.arguments), { location: "Oslo" });
  const result = { type: "function_call_output", call_id: call.call_id, output: RESULT };
  const input = [...user(QUESTION), ...first.output, result];
  const second = await client.responses.create({ model: MODEL, input, tools: [FLAT], store: false });
  assert.match(second.output_text, /4 degrees/);
});

test("responses: custom tool", async () => {
  const tool = { type: "custom", name: "run_code", description: "Runs code" };
  const input = "Use the run_code tool to run `print(1)`";
  const stream = client.responses.stream({ model: MODEL, input, tools: [tool] });
  const answer = await stream.finalResponse();
  assert.equal(typeof answer.output.find((item) => item.type === "custom_tool_call").input, "string");
});

test("responses: parse", async () => {
  const text = { format: zodTextFormat(Found, "found") };
  Found.parse((await client.responses.parse({ model: MODEL, input: HELLO, text })).output_parsed);
});

test("responses: chain of stored ones", async () => {
  const first = await client.responses.create({ model: MODEL, input: QUESTION, tools: [FLAT] });
  const call = first.output.find((item) => item.type === "function_call");
  const second = await client.responses.create({
    model: MODEL,
    previous_response_id: first.id,
    input: [{ type: "function_call_output", call_id: call.call_id, output: RESULT }],
    tools: [FLAT],
  });
  assert.match(second.output_text, /4 degrees/);
  assert.equal((await client.responses.retrieve(first.id)).id, first.id);
  assert.ok((await client.responses.inputItems.list(second.id)).data.length >= 1);
  await client.responses.delete(first.id);
  assert.equal((await thrown(() => client.responses.retrieve(first.id))).status, 404);
});

test("responses: unknown previous one", async () => {
  const ask = () => client.responses.create({ model: MODEL, input: HELLO, previous_response_id: "resp_none" });
  const error = await thrown(ask);
  assert.deepEqual([error.status, error.code], [404, "previous_response_not_found"]);
});

test("images", async () => {
  if (BACKEND !== "grok.com") throw new Skip("pictures are drawn by grok.com only");
  const drawn = await client.images.generate({ model: "grok-imagine-image", prompt: "a heron", response_format: "b64_json" });
  assert.ok(Buffer.from(drawn.data[0].b64_json, "base64").length > 100);
  const linked = await client.images.generate({ model: "grok-imagine-image", prompt: "a heron", n: 2 });
  assert.equal(linked.data.length, 2);
  const link = linked.data[0].url;
  assert.ok(!link || (await fetch(link)).ok);
});

test("image edits", async () => {
  if (BACKEND !== "grok.com") throw new Skip("pictures are drawn by grok.com only");
  const file = () => toFile(Buffer.from(PNG, "base64"), "dot.png", { type: "image/png" });
  for (const image of [await file(), [await file(), await file()]]) {
    const model = "grok-imagine-image-edit";
    const edited = await client.images.edit({ model, image, prompt: "make it blue", response_format: "b64_json" });
    assert.ok(edited.data[0].b64_json);
  }
});

test("models", async () => {
  const listed = await all(client.models.list());
  assert.ok(listed.some((model) => model.id === MODEL));
  assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
});

test("errors", async () => {
  const unknown = await thrown(() => chat({ model: "no-such-model" }));
  assert.deepEqual([unknown.status, unknown.code, unknown.param], [400, "model_not_found", "model"]);
  const stranger = new OpenAI({ baseURL: V1, apiKey: "sk-wrong", maxRetries: 0 });
  assert.ok((await thrown(() => stranger.models.list())) instanceof OpenAI.AuthenticationError);
  const bad = await thrown(() => chat({ temperature: "warm" }));
  assert.ok(bad instanceof OpenAI.BadRequestError);
  assert.equal(bad.param, "temperature");
});

test("429 with retry-after", async () => {
  await scenario({ match: { contains: "heron-limit" }, fault: "429=1", times: 6 });
  const error = await thrown(() => chat({ messages: user("Say heron-limit") }));
  assert.ok(error instanceof OpenAI.RateLimitError);
  assert.ok(Number(error.headers.get("retry-after")) >= 1);
  const patient = new OpenAI({ baseURL: V1, apiKey: KEY, maxRetries: 5 });
  const answer = await patient.chat.completions.create({ model: MODEL, messages: user("Say heron-limit") });
  assert.match(answer.choices[0].message.content, /heron-limit/);
});

test("break in mid-stream", async () => {
  await scenario({ match: { contains: "heron-break" }, fault: "drop@5", times: 2 });
  assert.match((await thrown(async () => all(await chat({ messages: user("heron-break"), stream: true })))).message, /broke off/);
  const events = await all(await client.responses.create({ model: MODEL, input: "heron-break", stream: true }));
  assert.ok(["response.failed", "error"].includes(events.at(-1).type), events.at(-1).type);
});

test("cancel", async () => {
  await scenario({ match: { contains: "heron-cancel" }, fault: ["long@300", "slow=0.05"] });
  for (const stream of [await chat({ messages: user("heron-cancel"), stream: true }), await client.responses.create({ model: MODEL, input: "heron-cancel", stream: true })]) {
    for await (const _ of stream) break;
    stream.controller.abort();
  }
  const deadline = Date.now() + 5000;
  const left = async () => (await asked()).slice(-2).filter((row) => row.ended === "disconnected").length;
  while ((await left()) < 2 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 100));
  assert.equal(await left(), 2, "the upstream was not left");
});

await main();
