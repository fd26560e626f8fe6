"""Scripts as the Responses stream of console.x.ai and api.x.ai (server-sent events).

Pure. The order of events, the members of each and the prefixes of ids follow the vendor's grammar; steps of
a script become output items: consecutive thoughts one reasoning item, consecutive words and citations one
message, each search and each call an item of its own.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from grok2api.simulator.render import Frame, FrameKind, Ids, InBand, Rendered, RenderOptions, encode, thinking_tokens
from grok2api.simulator.script import (
    Call,
    Cite,
    Decline,
    Film,
    Picture,
    Say,
    Script,
    Search,
    Step,
    Think,
    cut_short,
    tokens,
)

_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": "medium", "summary": "detailed"},
    "store": True,
    "temperature": 0.7,
    "top_p": 0.95,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "user": None,
}
_CONSTANT: dict[str, Any] = {
    "background": False,
    "safety_identifier": None,
    "service_tier": "default",
    "top_logprobs": 0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "truncation": "disabled",
    "metadata": {"system_fingerprint": "fp_simulated0"},
}
_ERROR_NAMES = {
    7: "permission-denied",
    8: "resource-exhausted",
    13: "internal",
    14: "unavailable",
    16: "unauthenticated",
}


def render(script: Script, asked: dict[str, Any], ids: Ids, options: RenderOptions) -> Rendered:
    """The events of one answer to the body `asked`, and the response object they add up to."""
    most = asked.get("max_output_tokens")
    stream = _Stream(cut_short(script, most) if isinstance(most, int) else script, asked, ids, options)
    frames = list(stream.all())
    if options.unknown:
        frames.insert(2, stream.event("response.something_new", "meta", {"novelty": {"a": 1}}))
    if options.done_line:
        frames.append(Frame(b"data: [DONE]\n\n", "end"))
    return Rendered(frames, stream.response)


def error(problem: InBand) -> bytes:
    """The `error` event, or `response.failed` when the place is inside the response."""
    code = _ERROR_NAMES.get(problem.code, str(problem.code))
    if problem.place == "top":
        return _sse("error", {"type": "error", "code": code, "message": problem.message, "param": None})
    fault = {"code": code, "message": problem.message}
    response = {"id": "resp-failed", "object": "response", "status": "failed", "error": fault, "output": []}
    return _sse("response.failed", {"type": "response.failed", "response": response})


def _sse(name: str, payload: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encode(payload) + b"\n\n"


def _length(value: object) -> int:
    """How many tokens the caller's input counts."""
    if isinstance(value, str):
        return len(tokens(value))
    if isinstance(value, dict):
        return sum(_length(member) for member in value.values())
    return sum(_length(member) for member in value) if isinstance(value, list) else 0


class _Group(NamedTuple):
    kind: type
    steps: list[Step]


def _groups(steps: tuple[Step, ...]) -> Iterator[_Group]:
    """Steps as output items. Pictures and films have no counterpart here and are left out."""
    words = (Say, Cite, Decline)

    def item(pair: tuple[int, Step]) -> tuple[str, int]:
        at, step = pair
        return ("words", -1) if isinstance(step, words) else ("think", -1) if isinstance(step, Think) else ("one", at)

    kept: list[Step] = [step for step in steps if not isinstance(step, Picture | Film)]
    for _, members in itertools.groupby(enumerate(kept), key=item):
        group = [step for _, step in members]
        yield _Group(Say if isinstance(group[0], words) else type(group[0]), group)


class _Stream:
    """The events of one answer: counts sequence numbers and items, and collects the output."""

    def __init__(self, script: Script, asked: dict[str, Any], ids: Ids, options: RenderOptions) -> None:
        self._script, self._ids, self._options = script, ids, options
        self._sequence = itertools.count()
        self._output: list[dict[str, Any]] = []
        self._hidden = "reasoning.encrypted_content" in (asked.get("include") or []) or options.encrypted
        echoed = {name: asked.get(name, default) for name, default in _ECHOED.items()}
        head = {"id": ids.answer, "object": "response", "created_at": 1767225600, "model": asked.get("model", "")}
        self.response: dict[str, Any] = {**head, **_CONSTANT, **echoed, "error": None, "incomplete_details": None}
        self._asked = asked

    def event(self, name: str, kind: FrameKind, members: dict[str, Any]) -> Frame:
        return Frame(_sse(name, {"type": name, "sequence_number": next(self._sequence), **members}), kind)

    def all(self) -> Iterator[Frame]:
        opening = {"response": {**self.response, "status": "in_progress", "output": [], "usage": None}}
        yield self.event("response.created", "meta", opening)
        yield self.event("response.in_progress", "meta", opening)
        groups = list(_groups(self._script.steps))
        at = 0
        while at < len(groups):
            together = 1
            while self._options.interleaved and [g.kind for g in groups[at : at + together + 1]] == [Search] * (
                together + 1
            ):
                together += 1
            yield from self._items(groups[at : at + together])
            at += together
        closing = self._closing()
        if self._options.ends:
            yield closing

    def _items(self, groups: list[_Group]) -> Iterator[Frame]:
        """One item, or several searches whose beginnings come first and whose ends come in reverse."""
        makers: dict[type, Callable[[list[Step], int], Iterator[Frame]]] = {
            Think: self._reasoning,
            Search: self._search,
            Say: self._message,
            Call: self._call,
        }
        first = len(self._output)
        self._output.extend({} for _ in groups)
        running = [makers[group.kind](group.steps, first + at) for at, group in enumerate(groups)]
        if len(running) > 1:
            for one in running:
                yield next(one)
        for one in reversed(running):
            yield from one

    def _id(self, prefix: str, index: int) -> str:
        plain = prefix in ("rs", "msg") and not any(
            item.get("id") == f"{prefix}_{self._ids.answer}" for item in self._output
        )
        return f"{prefix}_{self._ids.answer}" + ("" if plain else f"_{index}")

    def _reasoning(self, steps: list[Step], at: int) -> Iterator[Frame]:
        item: dict[str, Any] = {"id": self._id("rs", at), "type": "reasoning", "summary": [], "status": "in_progress"}
        place = {"item_id": item["id"], "output_index": at, "summary_index": 0}
        yield self.event("response.output_item.added", "meta", {"output_index": at, "item": item})
        text = "\n".join(step.text for step in steps if isinstance(step, Think))
        done = {**item, "status": "completed"}
        if self._options.summaries:
            empty, full = {"type": "summary_text", "text": ""}, {"type": "summary_text", "text": text}
            yield self.event("response.reasoning_summary_part.added", "meta", {**place, "part": empty})
            for piece in tokens(text):
                yield self.event("response.reasoning_summary_text.delta", "thought", {**place, "delta": piece})
            yield self.event("response.reasoning_summary_text.done", "meta", {**place, "text": text})
            yield self.event("response.reasoning_summary_part.done", "meta", {**place, "part": full})
            done["summary"] = [full]
        if self._hidden or not self._options.summaries:
            done["encrypted_content"] = f"sim-encrypted-{self._ids.answer}-{at}"
        yield self._finish(done, at)

    def _finish(self, item: dict[str, Any], at: int) -> Frame:
        self._output[at] = item
        return self.event("response.output_item.done", "meta", {"output_index": at, "item": item})

    def _search(self, steps: list[Step], at: int) -> Iterator[Frame]:
        step = steps[0]
        assert isinstance(step, Search)
        yield from self._x_search(step, at) if step.on_x else self._web_search(step, at)

    def _web_search(self, step: Search, at: int) -> Iterator[Frame]:
        action: dict[str, Any] = {"type": "search", "query": "", "sources": []}
        item = {"id": self._id("ws", at), "type": "web_search_call", "status": "in_progress", "action": action}
        place = {"item_id": item["id"], "output_index": at}
        yield self.event("response.output_item.added", "card", {"output_index": at, "item": item})
        for state in ("in_progress", "searching", "completed"):
            yield self.event(f"response.web_search_call.{state}", "card", place)
        sources = [{"type": "url", "url": hit.url} for hit in step.web]
        yield self._finish(
            {**item, "status": "completed", "action": {**action, "query": step.query, "sources": sources}}, at
        )

    def _x_search(self, step: Search, at: int) -> Iterator[Frame]:
        item = {
            "id": self._id("ctc", at),
            "type": "custom_tool_call",
            "call_id": f"xs_call_{at}",
            "status": "in_progress",
        }
        item |= {"name": "x_keyword_search", "input": ""}
        place = {"item_id": item["id"], "output_index": at}
        text = encode({"query": step.query, "limit": 10}).decode()
        yield self.event("response.output_item.added", "card", {"output_index": at, "item": item})
        yield self.event("response.custom_tool_call_input.delta", "card", {**place, "delta": text})
        yield self.event("response.custom_tool_call_input.done", "card", {**place, "input": text})
        yield self._finish({**item, "status": "completed", "input": text}, at)

    def _call(self, steps: list[Step], at: int) -> Iterator[Frame]:
        step = steps[0]
        assert isinstance(step, Call)
        item: dict[str, Any] = {"id": self._id("fc", at), "type": "function_call", "name": step.name, "arguments": ""}
        item |= {"call_id": f"call_{self._ids.answer[:8]}{at:02d}", "status": "in_progress"}
        place = {"item_id": item["id"], "output_index": at}
        done = {**item, "status": "completed", "arguments": step.arguments}
        if self._options.argument_events:
            yield self.event("response.output_item.added", "token", {"output_index": at, "item": item})
            yield self.event("response.function_call_arguments.delta", "token", {**place, "delta": step.arguments})
            yield self.event("response.function_call_arguments.done", "meta", {**place, "arguments": step.arguments})
        else:
            yield self.event("response.output_item.added", "token", {"output_index": at, "item": done})
        yield self._finish(done, at)

    def _message(self, steps: list[Step], at: int) -> Iterator[Frame]:
        declined = next((step.text for step in steps if isinstance(step, Decline)), None)
        item: dict[str, Any] = {
            "id": self._id("msg", at),
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
        }
        yield self.event("response.output_item.added", "meta", {"output_index": at, "item": {**item, "content": []}})
        place = {"item_id": item["id"], "output_index": at, "content_index": 0}
        body = self._refusal(declined, place) if declined is not None else self._text(steps, place)
        part: dict[str, Any] = yield from body
        yield self.event("response.content_part.done", "meta", {**place, "part": part})
        yield self._finish({**item, "status": "completed", "content": [part]}, at)

    def _refusal(self, text: str, place: dict[str, Any]) -> Any:
        yield self.event("response.content_part.added", "meta", {**place, "part": {"type": "refusal", "refusal": ""}})
        for piece in tokens(text):
            yield self.event("response.refusal.delta", "token", {**place, "delta": piece})
        yield self.event("response.refusal.done", "meta", {**place, "refusal": text})
        return {"type": "refusal", "refusal": text}

    def _text(self, steps: list[Step], place: dict[str, Any]) -> Any:
        part: dict[str, Any] = {"type": "output_text", "text": "", "logprobs": [], "annotations": []}
        yield self.event("response.content_part.added", "meta", {**place, "part": part})
        text, notes = "", []
        cited: list[str] = []
        for step in steps:
            if isinstance(step, Cite):
                cited += [step.url] if step.url not in cited else []
                words, note = self._citation(step, cited.index(step.url) + 1, len(text))
                if words:
                    text += words
                    yield self.event("response.output_text.delta", "card", {**place, "delta": words, "logprobs": []})
                notes.append(note)
                numbered = {**place, "annotation_index": len(notes) - 1, "annotation": note}
                yield self.event("response.output_text.annotation.added", "card", numbered)
            elif isinstance(step, Say):
                text += step.text
                for piece in tokens(step.text):
                    yield self.event("response.output_text.delta", "token", {**place, "delta": piece, "logprobs": []})
        yield self.event("response.output_text.done", "meta", {**place, "text": text, "logprobs": []})
        return {**part, "text": text, "annotations": notes}

    def _citation(self, step: Cite, number: int, at: int) -> tuple[str, dict[str, Any]]:
        """The words put into the text, and the annotation, in the shape asked for."""
        note: dict[str, Any] = {"type": "url_citation", "url": step.url}
        if self._options.annotations == 3:
            return "", note
        if self._options.annotations == 2:
            return "", {**note, "title": step.url, "start_index": 0, "end_index": 0}
        words = f"[[{number}]]({step.url})"
        return words, {**note, "title": step.title or step.url, "start_index": at, "end_index": at + len(words)}

    def _closing(self) -> Frame:
        finish = self._script.finish
        done = finish == "completed"
        self.response |= {
            "status": "completed" if done else "incomplete",
            "incomplete_details": None if done else {"reason": finish},
            "completed_at": 1767225601,
            "output": self._output,
            "usage": self._usage(),
        }
        name = "response.completed" if done else "response.incomplete"
        return self.event(name, "end", {"response": self.response})

    def _usage(self) -> dict[str, Any]:
        steps, said = self._script.steps, self._script.usage
        searches = sum(isinstance(step, Search) for step in steps)
        on_x = sum(isinstance(step, Search) and step.on_x for step in steps)
        spoken = sum(len(tokens(step.text)) for step in steps if isinstance(step, Say | Decline))
        spoken += sum(len(tokens(step.arguments)) for step in steps if isinstance(step, Call))
        thought = said.reasoning if said else thinking_tokens(self._script)
        read = said.input if said else _length(self._asked.get("input")) + _length(self._asked.get("instructions"))
        wrote = said.output if said else spoken + thought
        tools = {"web_search_calls": searches - on_x, "x_search_calls": on_x, "code_interpreter_calls": 0}
        return {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": said.cached if said else 0},
            "output_tokens": wrote,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": read + wrote,
            "num_sources_used": sum(len(step.web) + len(step.posts) for step in steps if isinstance(step, Search)),
            "num_server_side_tools_used": searches,
            "server_side_tool_usage_details": tools,
            "cost_in_usd_ticks": 100 * (read + wrote),
        }
