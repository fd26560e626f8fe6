"""The prompt side of function calling: a request with tools -> a request of words.

`inject` says which tools there are and how to call them, and turns earlier calls into the form that the model is
asked for. `reask` adds what went wrong, once. Results of tools stay what they are: the wire puts them into words.
"""

from collections.abc import Mapping
from itertools import groupby

import msgspec

from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Message, Part, Request, Role, Text, ToolCall, ToolChoice
from grok2api.tools import render
from grok2api.tools.offers import Offers

_LONGEST_SAID = 20_000

_RULES = """\
You can call the tools below. They are run by the other side of this conversation, never by you: do not \
pretend to have run one, do not invent its result, and do not describe a call in prose instead of making it.

To call, write exactly this block as plain text:

{example}

Rules for the block:
- <tool_name> is one of the names below, letter for letter.
- <parameters> is one JSON object on one line that fits the tool's schema; quotes, backslashes and line breaks \
inside strings are escaped as JSON asks. Nothing in the block is escaped as XML.
- No markdown fence around the block, and nothing after it: the results come in the next turn, as \
"[tool result for ID]".
- {number}

{choice}

## Tools

{tools}"""

_MANY = "Calls that do not need each other's results go into one block, one <tool_call> each."
_SINGLE = "At most one <tool_call> in the block."
_CHOICES = {
    "auto": "Call a tool only when it is needed; answer in plain words otherwise, without the block.",
    "required": "This turn you must call at least one tool: answer with the block.",
    "named": "This turn you must call the tool {name}, and no other: answer with the block.",
}

#: To any model whose answer is not the JSON that it should be.
FORMAT_CORRECTION = (
    "Your answer could not be used. {message}. "
    "Answer again with only the corrected JSON value: no words before or after it, no markdown fence."
)
_CORRECTIONS = {
    Kind.CALL_MISSING: (
        "Your answer called no tool, but this turn needs a call ({message}). "
        "Answer again with only the <tool_calls> block, in the form that was described, and nothing else."
    ),
    Kind.CALL_BROKEN: (
        "Your tool call could not be used. {message}. "
        "Answer again with only the corrected <tool_calls> block: <parameters> must be one valid JSON object "
        "that fits the tool's schema."
    ),
    Kind.FORMAT_BROKEN: FORMAT_CORRECTION,
}


def inject(request: Request) -> Request:
    """The request without tools and choice, for an upstream that knows neither.

    Its first message is a SYSTEM message with the tools, the form of a call and what the choice demands, unless
    there is nothing to offer. Calls of earlier turns become text in the same form. Hosted tools stay.
    """
    every = Offers(request.tools)
    messages = tuple(_without_calls(message, every) for message in request.messages)
    offers = Offers.of(request.tools, request.tool_choice)
    if offers:
        messages = (Message(Role.SYSTEM, (Text(_block(offers, request)),)), *messages)
    return msgspec.structs.replace(
        request, messages=messages, tools=(), tool_choice=ToolChoice(), parallel_tool_calls=None
    )


def reask(request: Request, problem: Problem, said: str) -> Request:
    """`request`, as it was sent (injected, instructed), with what the model said to it and what is wrong with that.

    problem: CALL_MISSING, CALL_BROKEN or FORMAT_BROKEN; its message is shown to the model.
    """
    return put_again(request, problem, said, _CORRECTIONS)


def put_again(request: Request, problem: Problem, said: str, corrections: Mapping[Kind, str]) -> Request:
    """The same in the words of `corrections`, which has one for every kind that may come."""
    correction = corrections[problem.kind].format(message=problem.message.rstrip("."))
    turns = [Message(Role.USER, (Text(correction),))]
    if said.strip():
        turns.insert(0, Message(Role.ASSISTANT, (Text(said[:_LONGEST_SAID]),)))
    return msgspec.structs.replace(request, messages=(*request.messages, *turns))


def missing(choice: ToolChoice) -> Problem:
    """The failure of an answer without the call that `choice` demands."""
    which = f"the tool {choice.name}" if choice.mode == "named" else "a tool"
    message = f"tool_choice demands a call of {which}, and the model made none"
    return Problem(kind=Kind.CALL_MISSING, code="tool_call_missing", message=message)


def _block(offers: Offers, request: Request) -> str:
    choice = request.tool_choice
    name = next(iter(offers))[0]
    return _RULES.format(
        example=render.EXAMPLE,
        number=_SINGLE if request.parallel_tool_calls is False else _MANY,
        choice=_CHOICES[choice.mode].format(name=name),
        tools=render.tools(offers),
    )


def _without_calls(message: Message, offers: Offers) -> Message:
    """Neighbouring calls become one block; everything else stays where it is."""
    if not any(isinstance(part, ToolCall) for part in message.parts):
        return message
    parts: list[Part] = []
    for are_calls, group in groupby(message.parts, lambda part: isinstance(part, ToolCall)):
        if are_calls:
            parts.append(Text(render.calls([part for part in group if isinstance(part, ToolCall)], offers)))
        else:
            parts += group
    return msgspec.structs.replace(message, parts=tuple(parts))
