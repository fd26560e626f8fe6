"""Recipes for programs that you write, and for the command line. Pure data.

Sources: the libraries' own documentation (openai 3.54, anthropic 2.12, openai-node 6.49, AI SDK 6 and 7, LangChain 1,
llm 0.36). The snippets for curl and the Python SDKs are run by the tests.
"""

from grok2api.recipes.recipe import CHAT, EXPORT, KEY_VARIABLE, MESSAGES, RESPONSES, Form, Recipe, Step

_FROM_THE_ENVIRONMENT = f"The key comes from the variable {KEY_VARIABLE}, so it is in no file."

PROGRAMS: tuple[Recipe, ...] = (
    Recipe(
        name="curl",
        tried="curl 7.88.1, in every run of the tests",
        title="curl",
        speaks=(CHAT, MESSAGES),
        steps=(
            EXPORT,
            Step(
                do="A chat completion, streamed",
                form=Form.SHELL,
                body=f"""
curl -sN {{chat_url}} \\
  -H "Authorization: Bearer ${KEY_VARIABLE}" -H 'Content-Type: application/json' \\
  -d {{chat_body}}
""",
            ),
            Step(
                do="The same question as an Anthropic client asks it",
                form=Form.SHELL,
                body=f"""
curl -s {{messages_url}} \\
  -H "x-api-key: ${KEY_VARIABLE}" -H 'anthropic-version: 2023-06-01' -H 'Content-Type: application/json' \\
  -d {{messages_body}}
""",
            ),
            Step(
                do="The models that are served now",
                form=Form.SHELL,
                body=f'curl -s {{models_url}} -H "Authorization: Bearer ${KEY_VARIABLE}"',
            ),
        ),
        check="the last command answers with a list.",
        pitfalls=("Without -N curl holds a stream back until it has a full buffer.",),
    ),
    Recipe(
        name="python-openai",
        tried="openai 3.54.0, in every run of the tests",
        title="Python, OpenAI SDK",
        speaks=(CHAT, RESPONSES),
        keeps="OPENAI_BASE_URL and OPENAI_API_KEY are read when nothing is given",
        steps=(
            EXPORT,
            Step(
                do="After `pip install openai`",
                form=Form.PYTHON,
                body=f"""
import os

from openai import OpenAI

client = OpenAI(base_url={{openai_url}}, api_key=os.environ["{KEY_VARIABLE}"])

print(client.responses.create(model={{model}}, input="Hello").output_text)

stream = client.chat.completions.create(
    model={{model}}, messages=[{{"role": "user", "content": "Hello"}}], stream=True
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="")
print()
""",
            ),
        ),
        check="run it.",
        pitfalls=(
            _FROM_THE_ENVIRONMENT,
            "The SDK repeats a failed request twice by itself; max_retries=0 leaves that to the gateway.",
        ),
    ),
    Recipe(
        name="python-anthropic",
        tried="anthropic 2.12.0, in every run of the tests",
        title="Python, Anthropic SDK",
        speaks=(MESSAGES,),
        bare=True,
        keeps="ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY are read when nothing is given",
        steps=(
            EXPORT,
            Step(
                do="After `pip install anthropic`",
                form=Form.PYTHON,
                body=f"""
import os

from anthropic import Anthropic

client = Anthropic(base_url={{url}}, api_key=os.environ["{KEY_VARIABLE}"])

message = client.messages.create(
    model={{model}}, max_tokens=500, messages=[{{"role": "user", "content": "Hello"}}]
)
print("".join(block.text for block in message.content if block.type == "text"))
""",
            ),
        ),
        check="run it.",
        pitfalls=(_FROM_THE_ENVIRONMENT, "The base URL has no `/v1`: the SDK adds it."),
    ),
    Recipe(
        name="javascript",
        tried="openai 6.49.0",
        title="JavaScript, OpenAI SDK",
        speaks=(CHAT, RESPONSES),
        keeps="OPENAI_BASE_URL and OPENAI_API_KEY are read when nothing is given",
        steps=(
            EXPORT,
            Step(
                do="In hello.mjs, after `npm install openai`",
                form=Form.JAVASCRIPT,
                body=f"""
import OpenAI from "openai";

const client = new OpenAI({{ baseURL: {{openai_url}}, apiKey: process.env.{KEY_VARIABLE} }});

const stream = await client.chat.completions.create({{
  model: {{model}},
  messages: [{{ role: "user", content: "Hello" }}],
  stream: true,
}});
for await (const chunk of stream) {{
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}}
process.stdout.write("\\n");
""",
            ),
        ),
        check="type `node hello.mjs`.",
        pitfalls=(
            _FROM_THE_ENVIRONMENT,
            "A page in a browser would show the key to everybody; ask from a server.",
        ),
    ),
    Recipe(
        name="ai-sdk",
        tried="ai 6.0.326 and @ai-sdk/openai-compatible 2.0.92",
        title="Vercel AI SDK",
        steps=(
            EXPORT,
            Step(
                do="In hello.mjs, after `npm install ai @ai-sdk/openai-compatible`",
                form=Form.JAVASCRIPT,
                body=f"""
import {{ createOpenAICompatible }} from "@ai-sdk/openai-compatible";
import {{ streamText }} from "ai";

const grok = createOpenAICompatible({{
  name: "grok2api",
  baseURL: {{openai_url}},
  apiKey: process.env.{KEY_VARIABLE},
  includeUsage: true,
}});

const {{ textStream }} = streamText({{ model: grok({{model}}), prompt: "Hello" }});
for await (const text of textStream) {{
  process.stdout.write(text);
}}
process.stdout.write("\\n");
""",
            ),
        ),
        check="type `node hello.mjs`.",
        pitfalls=(
            _FROM_THE_ENVIRONMENT,
            "Without includeUsage a stream tells no token counts.",
            "createOpenAI and createAnthropic work too; both want the base URL with /v1 here.",
        ),
    ),
    Recipe(
        name="langchain",
        tried="langchain-openai 1.7.4",
        title="LangChain, Python",
        steps=(
            EXPORT,
            Step(
                do="After `pip install langchain-openai`",
                form=Form.PYTHON,
                body=f"""
import os

from langchain_openai import ChatOpenAI

model = ChatOpenAI(model={{model}}, base_url={{openai_url}}, api_key=os.environ["{KEY_VARIABLE}"])
print(model.invoke("Hello").text)
""",
            ),
        ),
        check="run it.",
        pitfalls=(
            _FROM_THE_ENVIRONMENT,
            "ChatOpenAI does not show `reasoning_content`; ChatAnthropic, at the URL without /v1, shows thinking.",
        ),
    ),
    Recipe(
        name="llm",
        tried="llm 0.36",
        title="llm",
        keeps='the directory that dirname "$(llm logs path)" tells; keys in keys.json there',
        steps=(
            Step(do="In a shell, once", form=Form.SHELL, body="llm keys set grok2api --value {key}"),
            Step(
                do="In extra-openai-models.yaml in that directory",
                form=Form.YAML,
                body="""
- model_id: grok
  model_name: {model}
  api_base: {openai_url}
  api_key_name: grok2api
  can_stream: true
  supports_tools: true
  vision: true
""",
            ),
        ),
        check="type `llm -m grok hello`.",
        pitfalls=("Without api_key_name llm sends no key that is stored.",),
    ),
)
