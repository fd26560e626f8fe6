"""What the simulator says to a person: greetings, tools, results, JSON; the same words get the same answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grok2api.simulator import canned
from grok2api.simulator.invent import value_for
from grok2api.simulator.reading import Asked, Offered, read_body, read_message, words_of
from grok2api.simulator.script import Call, Say, Search, Think, tokens
from simulated import chat, respond, said, spoken

WEATHER = Offered(
    "get_weather",
    "Weather of a city.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
)
READ = Offered("Read", "Reads a file.", {"type": "object", "properties": {"file_path": {"type": "string"}}})


def calls(text, *tools, **more):
    script = canned.answer(Asked(text=text, tools=tools or (WEATHER,), **more))
    return [(step.name, json.loads(step.arguments)) for step in script.steps if isinstance(step, Call)]


def words(text, **more):
    return "".join(step.text for step in canned.answer(Asked(text=text, **more)).steps if isinstance(step, Say))


def test_a_greeting_is_returned_and_the_topic_taken_up():
    assert words("Hello, tell me about Phobos").startswith("Hello! You wrote: “Hello, tell me about Phobos”.")
    assert not words("tell me about Phobos").startswith("Hello")
    assert "simulator" in words("")


@given(st.text(max_size=400))
@settings(max_examples=50, deadline=None)
def test_the_same_words_get_the_same_answer(text):
    assert canned.answer(Asked(text=text)) == canned.answer(Asked(text=text))


@given(st.text())
@settings(deadline=None)
def test_tokens_joined_are_the_text(text):
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the weather in Oslo?", [("get_weather", {"city": "Oslo", "unit": "C"})]),
        ("use the get_weather tool for Paris in F", [("get_weather", {"city": "Paris", "unit": "F"})]),
        (
            "Weather in Oslo and Paris, in parallel please",
            [("get_weather", {"city": "Oslo", "unit": "C"}), ("get_weather", {"city": "Paris", "unit": "C"})],
        ),
        ("call a tool", [("get_weather", {"city": "Oslo", "unit": "C"})]),
        ("Tell me a joke", []),
        ("I read a book", []),
    ],
)
def test_a_tool_is_called_when_the_words_ask_for_it(text, expected):
    assert calls(text) == expected


def test_a_tool_with_an_everyday_name_is_called_only_when_named_as_a_tool():
    assert calls("Did you read the news", READ) == []
    assert calls("use Read on src/app.py", READ) == [("Read", {"file_path": "src/app.py"})]


def test_tool_choice_decides_what_words_do_not():
    assert calls("Tell me a joke", READ, WEATHER, demanded=True)[0][0] == "Read"
    assert calls("Tell me a joke", READ, WEATHER, demanded=True, demanded_name="get_weather")[0][0] == "get_weather"


def test_after_a_result_it_answers_from_the_result():
    script = canned.answer(Asked(text="weather in Oslo?", tools=(WEATHER,), results=("4 C, rain",)))
    assert not any(isinstance(step, Call) for step in script.steps)
    assert "4 C, rain" in words("weather in Oslo?", tools=(WEATHER,), results=("4 C, rain",))


def test_it_thinks_unless_the_mode_does_not_and_searches_only_when_allowed():
    assert any(isinstance(step, Think) for step in canned.answer(Asked(text="hi")).steps)
    assert not any(isinstance(step, Think) for step in canned.answer(Asked(text="hi", thinks=False)).steps)
    assert any(isinstance(step, Search) for step in canned.answer(Asked(text="the latest news", search=True)).steps)
    assert not any(isinstance(step, Search) for step in canned.answer(Asked(text="the latest news")).steps)


SCHEMAS = [
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 7}}, "required": ["a"]},
    {"type": "object", "properties": {"n": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}}},
    {"type": "integer", "multipleOf": 7, "minimum": 8},
    {"type": "array", "items": {"type": "string", "minLength": 3}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"const": "x"}], "items": False},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": "^[0-9]{3}$"},
    {"type": "string", "maxLength": 2},
    {"type": ["null", "string"]},
    {"type": "null"},
    {"const": {"a": [1]}},
    {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"x": {"type": "boolean"}}, "required": ["x"]}]},
    {"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"type": "object"}]},
    {
        "$defs": {
            "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "v": {"type": "integer"}}}
        },
        "$ref": "#/$defs/node",
    },
    {
        "type": "object",
        "properties": {"kind": {"oneOf": [{"const": "a"}, {"const": "b"}]}, "tags": {"type": "array", "maxItems": 0}},
        "required": ["kind", "extra"],
        "additionalProperties": {"type": "string"},
    },
    {"type": "object"},
    {},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: json.dumps(schema)[:60])
@pytest.mark.parametrize("text", ["", "Give me 12 things about Oslo and 3 about Paris", "sehr „merkwürdig“ 💡"])
def test_invented_json_satisfies_its_schema(schema, text):
    value = value_for(schema, text)
    assert list(Draft202012Validator(schema).iter_errors(value)) == []


_LEAVES = st.sampled_from([{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")])
_NESTED = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.dictionaries(st.sampled_from("abcde"), inner, max_size=3).map(
            lambda members: {"type": "object", "properties": members, "required": list(members)}
        ),
    ),
    max_leaves=8,
)


@given(_NESTED, st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_invented_json_satisfies_any_nested_schema(schema, text):
    assert Draft202012Validator(schema).is_valid(value_for(schema, text))


FORMS = [
    json.dumps({"name": "get_weather", "description": "Weather.", "parameters": WEATHER.schema}),
    json.dumps([{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER.schema}}], indent=2),
    f"### get_weather\nWeather of a city.\nParameters: {json.dumps(WEATHER.schema)}",
    f"Tool: get_weather\nDescription: Weather.\nParameters (JSON Schema):\n{json.dumps(WEATHER.schema, indent=2)}",
    f"- `get_weather`: Weather of a city.\n  schema: {json.dumps(WEATHER.schema)}",
    f'<tool name="get_weather">\n{json.dumps(WEATHER.schema)}\n</tool>',
]
FORMAT = (
    "<tool_calls>\n<tool_call><tool_name>x</tool_name>"
    '<parameters>{"city":"Rome"}</parameters></tool_call>\n</tool_calls>'
)


@pytest.mark.parametrize("form", FORMS)
def test_tools_are_read_from_a_prompt_however_it_lists_them(form):
    message = f"[system]: You can call tools.\n{form}\nAnswer with:\n{FORMAT}\n\n[user]: weather in Oslo?"
    asked = read_message(message, mode="expert", search=True)
    assert [(tool.name, tool.schema) for tool in asked.tools] == [("get_weather", WEATHER.schema)]
    assert (asked.text, asked.demanded, asked.results) == ("weather in Oslo?", False, ())


def test_a_flattened_conversation_ends_with_its_last_user_text_and_the_results_after_it():
    message = (
        f"[system]: tools\n{FORMS[0]}\n{FORMAT}\n\n[user]: weather in Rome?\n\n[assistant]:\n{FORMAT}\n\n"
        "[tool result for call_1]:\n20 C\n\n[user]: and Oslo?\n\n[assistant]:\n...\n\n[tool result for call_2]:\n4 C"
    )
    asked = read_message(message, mode="heavy", search=False)
    assert (asked.text, asked.results, asked.agents) == ("and Oslo?", ("4 C",), 4)


def test_system_reminders_are_not_the_users_words():
    asked = read_message("[user]: <system-reminder>\nuse a tool\n</system-reminder>\nhello", mode="auto", search=False)
    assert asked.text == "hello"


def test_a_schema_in_an_instruction_is_found_and_that_of_a_tool_is_not():
    schema = {"type": "object", "properties": {"moons": {"type": "integer"}}, "required": ["moons"]}
    wants = f"[system]: Answer only with JSON that satisfies this JSON schema:\n{json.dumps(schema)}\n\n[user]: Mars?"
    assert read_message(wants, mode="fast", search=False).schema == schema
    offers = f"[system]: Parameters must be valid JSON.\n{FORMS[0]}\n{FORMAT}\n\n[user]: Mars?"
    assert read_message(offers, mode="fast", search=False).schema is None


def test_an_object_that_an_instruction_wants_is_found_without_a_schema():
    wants = "[system]: Answer with exactly one JSON object and nothing else.\n\n[user]: Mars?"
    assert read_message(wants, mode="fast", search=False).schema == {"type": "object"}


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("A joke as JSON with 'setup' and 'punchline' keys.", ["setup", "punchline"]),
        ("Answer in JSON with the fields `name`, `age`, and `town`", ["name", "age", "town"]),
        ('JSON, please. Keys: "a" or "b"', ["a", "b"]),
        ("He said 'no' and 'never'.", ["answer"]),
    ],
)
def test_an_object_has_the_members_that_the_words_name(text, members):
    assert list(json.loads(words(text, schema={"type": "object"}))) == members


def test_a_body_of_the_responses_api_is_read():
    asked = read_body(
        {
            "model": "grok-4.20-multi-agent-0309",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "weather?"}]},
                {"type": "function_call", "call_id": "1", "name": "get_weather", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_text", "text": "4 C"}]},
            ],
            "tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}],
            "tool_choice": {"type": "function", "name": "f"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "integer"}}},
        }
    )
    assert (asked.text, asked.results, asked.demanded_name, asked.search) == ("weather?", ("4 C",), "f", True)
    assert (asked.schema, asked.agents, [tool.name for tool in asked.tools]) == ({"type": "integer"}, 4, ["f"])


@pytest.mark.parametrize(
    "words",
    [
        "Always respond with a JSON object that fits this schema:\n\n{}\n\nNo Markdown.",
        "objects in json like json_schema:\n{}",
    ],
)
@pytest.mark.parametrize("role", ["instructions", "system", "user"])
def test_a_schema_in_words_is_found_on_the_console_too(words, role):
    schema = {"type": "object", "properties": {"moons": {"type": "integer"}}, "required": ["moons"]}
    text = words.format(json.dumps(schema))
    user = {"role": "user", "content": "Mars?"}
    body = {"model": "m", "input": [user]}
    body |= {"instructions": text} if role == "instructions" else {"input": [{"role": role, "content": text}, user]}
    assert read_body(body).schema == schema
    assert read_message(f"[system]: {text}\n\n[user]: Mars?", mode="fast", search=False).schema == schema
    assert read_body({**body, "text": {"format": {"type": "json_object"}}}).schema == schema


def test_everything_that_is_said_in_a_body_can_be_matched():
    items = [{"role": "user", "content": "first"}, {"type": "function_call_output", "output": "second"}]
    body = {"instructions": "zeroth", "input": [*items, {"role": "user", "content": [{"text": "third"}]}]}
    assert words_of(body).split() == ["zeroth", "first", "second", "third"]
    assert words_of({"input": "only"}).split() == ["only"]


async def test_a_call_over_grok_com_is_the_block_that_the_prompt_asks_for(simulator):
    message = f"[system]: tools\n{FORMS[0]}\n{FORMAT}\n\n[user]: weather in Oslo?"
    text = said(await chat(simulator, message, mode="fast"))
    assert text.startswith("<tool_calls>")
    assert '<tool_name>get_weather</tool_name>\n    <parameters>{"city":"Oslo","unit":"C"}</parameters>' in text


async def test_a_call_over_the_console_is_a_function_call_item(simulator):
    tool = {"type": "function", "name": "get_weather", "parameters": dict(WEATHER.schema)}
    got = await respond(simulator, "weather in Oslo?", tools=[tool])
    item = got.events[-1]["response"]["output"][-1]
    assert (item["type"], item["name"], json.loads(item["arguments"])["city"]) == (
        "function_call",
        "get_weather",
        "Oslo",
    )


async def test_json_over_the_console_satisfies_its_schema(simulator):
    schema = {"type": "object", "properties": {"moons": {"type": "integer"}}, "required": ["moons"]}
    got = await respond(simulator, "2 moons", text={"format": {"type": "json_schema", "name": "m", "schema": schema}})
    assert json.loads(spoken(got)) == {"moons": 2}


def test_a_tool_keeps_its_name_below_a_long_description_with_lists_and_examples():
    description = 'Starts one.\n\n- Subagents run behind.\n- Pass `wait: false` to wait.\nExample: {"name": "x"}'
    schema = '{"type":"object","properties":{"task":{"type":"string"}}}'
    tools = "\n\n".join(
        f"### {name}\n{description}\nParameters (JSON schema): {schema}" for name in ("Agent", "exec_command")
    )
    message = f'[system]: Tools\n<tool_calls>NAME {{"key": "value"}}</tool_calls>\n\n{tools}\n\n[user]: hello'
    assert [tool.name for tool in read_message(message, mode="fast", search=False).tools] == ["Agent", "exec_command"]


def test_a_tool_that_takes_free_text_is_offered_by_an_example_of_its_one_member():
    free = '### apply_patch\nChanges files.\nPut all of it into one member: {"input": "the text"}\n'
    message = f'[system]: Tools\n<tool_calls>NAME {{"key": "value"}}</tool_calls>\n\n{free}\n[user]: hello'
    [tool] = read_message(message, mode="fast", search=False).tools
    assert (tool.name, tool.schema["required"]) == ("apply_patch", ["input"])


def test_no_switch_is_thrown_and_no_number_given_that_nobody_asked_for():
    schema = {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}, "behind": {"type": "boolean"}},
        "required": ["command"],
    }
    assert value_for(schema, "run `ls`") == {"command": "ls"}
    assert value_for(schema, "run `ls` for 5 seconds") == {"command": "ls", "timeout": 5}
    assert value_for({**schema, "required": ["behind"]}, "run `ls`") == {"command": "ls", "behind": True}


def test_what_a_description_or_the_client_demands_is_no_demand_for_a_call():
    rules = "[system]: Call a tool when it is needed.\n<tool_calls>NAME</tool_calls>\n\n## Tools\n\n"
    tool = f"### edit\nYou must use `read` first.\nParameters (JSON schema): {json.dumps(dict(WEATHER.schema))}\n\n"
    message = f"{rules}{tool}[system]: You must call a tool to read.\n\n[user]: capital of Norway?"
    assert not read_message(message, mode="fast", search=False).demanded
    demanding = message.replace("Call a tool when it is needed.", "You must call the tool edit.")
    assert read_message(demanding, mode="fast", search=False).demanded_name == "edit"


def test_a_tool_that_takes_nothing_is_given_nothing():
    call = canned.answer(Asked(text="use the version tool", tools=(Offered("version", "", {}),), thinks=False)).steps[0]
    assert isinstance(call, Call)
    assert call.arguments == "{}"
