"""Content blocks of a Messages request, read into parts.

Promises that an unknown block is never a 400 (C2): it is read as text when it carries text and left out
when it does not. Known blocks with wrong members name the member (`messages.2.content.0.source.data`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import File, Image, Inline, Part, Text, ToolCall, ToolResult
from grok2api.dialects.anthropic_messages import signature
from grok2api.dialects.attached import encoded, located
from grok2api.dialects.reading import Object
from grok2api.dialects.sse import encode_json


def read_content(holder: Object, key: str = "content") -> list[Part]:
    """The parts of a string or an array of blocks; none when it is absent."""
    value = holder.raw.get(key)
    if value is None:
        return []
    if type(value) is str:
        return [Text(value)] if value else []
    if type(value) is not list:
        raise holder.wrong(key, "a string or an array of blocks", value)
    return [part for block in holder.objects(key) for part in _block(block)]


def _block(block: Object) -> Iterator[Part]:
    read = _BLOCKS.get(block.need_text("type"), _unknown)
    yield from read(block)


def _text(block: Object) -> Iterator[Part]:
    text = block.need_text("text")
    if text:
        yield Text(text)


def _image(block: Object) -> Iterator[Part]:
    source = _source(block)
    if source.need_text("type") == "file":
        yield File(file_id=source.need_text("file_id"), path=source.at("file_id"))
    else:
        content, path = _content(source, "image/png")
        yield Image(content, path=path)


def _document(block: Object) -> Iterator[Part]:
    source, name, context = _source(block), block.text("title"), block.text("context")
    kind = source.need_text("type")
    if name and kind in ("text", "content"):
        yield Text(name)
    if context:
        yield Text(context)
    if kind == "text":
        yield Text(source.need_text("data"))
    elif kind == "content":
        yield from read_content(source)
    elif kind == "file":
        yield File(name=name, file_id=source.need_text("file_id"), path=source.at("file_id"))
    else:
        content, path = _content(source, "application/pdf")
        yield File(content, name, path=path)


def _source(block: Object) -> Object:
    source = block.child("source")
    if source is None:
        raise block.missing("source")
    return source


def _content(source: Object, media_type: str) -> tuple[str | Inline, str]:
    """Where a source's bytes are, and the field that says so."""
    kind = source.need_text("type")
    if kind == "base64":
        return encoded(source, "data", source.text("media_type", longest=128) or media_type), source.at("data")
    if kind == "url":
        return located(source, "url"), source.at("url")
    raise invalid(f"{source.at('type')} must be base64, url or file", source.at("type"))


def _tool_use(block: Object) -> Iterator[Part]:
    given = block.child("input")
    arguments = "{}" if given is None else encode_json(given.raw).decode()
    yield ToolCall(block.need_text("id"), block.need_text("name"), arguments)


def _tool_result(block: Object) -> Iterator[Part]:
    parts = tuple(part for part in read_content(block) if isinstance(part, Text | Image | File))
    yield ToolResult(block.need_text("tool_use_id"), parts, is_error=block.flag("is_error") is True)


def _tool_reference(block: Object) -> Iterator[Part]:
    """The result of a client's tool search. As an empty text the model would search for ever."""
    yield Text(f"Tool {block.need_text('tool_name')} is now available.")


def _thinking(block: Object) -> Iterator[Part]:
    part = signature.restore(block.text("thinking") or "", block.text("signature"))
    if part.text or part.encrypted:
        yield part


def _redacted(block: Object) -> Iterator[Part]:
    part = signature.restore("", block.text("data"))
    if part.encrypted:
        yield part


def _search_result(block: Object) -> Iterator[Part]:
    heading = "\n".join(filter(None, (block.text("title"), block.text("source"))))
    if heading:
        yield Text(heading)
    yield from read_content(block)


def _found(block: Object) -> Iterator[Part]:
    """What a server's search found in an earlier turn: the pages by title and URL."""
    found = block.raw.get("content")
    lines = [_page(page) for page in found if type(page) is dict] if type(found) is list else []
    text = "\n".join(filter(None, lines))
    if text:
        yield Text(f"Search results:\n{text}")


def _fetched(block: Object) -> Iterator[Part]:
    """What a server fetched in an earlier turn: the page's address, and the page."""
    found = block.raw.get("content")
    page = Object(found, block.at("content")) if type(found) is dict else None
    document = page.child("content") if page is not None else None
    if page is None or document is None:
        return
    yield Text(f"Content of {page.text('url') or 'a page'}:")
    yield from _document(document)


def _ran(block: Object) -> Iterator[Part]:
    """What a server's tool gave back in an earlier turn: its text, or what it printed."""
    result = block.raw.get("content")
    if type(result) is dict:
        printed = (result.get(name) for name in ("stdout", "stderr"))
        text = "\n".join(piece for piece in printed if type(piece) is str and piece)
        if text:
            yield Text(f"Tool result:\n{text}")
    elif result:
        parts = read_content(block)
        yield Text("Tool result:")
        yield from parts


def _uploaded(block: Object) -> Iterator[Part]:
    """A stored file for a sandbox; there are none here, and the request is refused when files are made ready."""
    yield File(file_id=block.need_text("file_id"), path=block.at("file_id"))


def _page(page: Mapping[str, Any]) -> str:
    return " - ".join(value for value in (page.get("title"), page.get("url")) if type(value) is str and value)


def _nothing(_: Object) -> Iterator[Part]:
    return iter(())


def _unknown(block: Object) -> Iterator[Part]:
    for key in ("text", "content"):
        value = block.raw.get(key)
        if type(value) is str and value:
            yield Text(value)
            return


_BLOCKS: Mapping[str, Callable[[Object], Iterator[Part]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "tool_reference": _tool_reference,
    "server_tool_use": _nothing,
    "web_search_tool_result": _found,
    "web_fetch_tool_result": _fetched,
    "mcp_tool_use": _nothing,
    "mcp_tool_result": _ran,
    "code_execution_tool_result": _ran,
    "bash_code_execution_tool_result": _ran,
    "container_upload": _uploaded,
}
