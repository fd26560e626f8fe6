"""Log lines: one pipe for ours and for the libraries', to the standard error stream, without secrets.

Readable on a terminal, one JSON object a line in a pipe. What is below the level costs a method call; what is written
passes `redact` before it is rendered, exceptions and odd objects included. Nothing is logged per token.
"""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from grok2api.observe.secrets import secrets

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Style = Literal["auto", "json", "console"]

#: Libraries that say at INFO or DEBUG what we say better, or per request.
_QUIET = {
    "uvicorn.access": logging.CRITICAL,
    "uvicorn.error": logging.WARNING,
    "aiohttp.access": logging.CRITICAL,
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "asyncio": logging.INFO,
}
_DEEPEST = 8


def set_up(level: Level = "INFO", style: Style = "auto", stream: TextIO | None = None) -> None:
    """Send every log line of the process to `stream` (the standard error stream). May be called again."""
    out = stream or sys.stderr
    readable = style == "console" or (style == "auto" and out.isatty())
    render = _readable(colours=out.isatty()) if readable else structlog.processors.JSONRenderer(serializer=_to_json)
    structlog.configure(
        processors=[*_PROCESSORS, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def bind_request(request_id: str) -> None:
    """Put `request_id` on every line that this task and its children write from now on."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor that masks secrets in every value. The names of a line's fields are ours."""
    return {name: _clean(value) for name, value in event.items()}


def _clean(value: Any, depth: int = 0) -> Any:
    match value:
        case str():
            return secrets.mask(value)
        case None | bool() | int() | float():
            return value
        case _ if depth >= _DEEPEST:
            return "…"
        case Mapping():
            return {secrets.mask(str(name)): _clean(item, depth + 1) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(item, depth + 1) for item in value]
        case bytes():
            return secrets.mask(value.decode("utf-8", "replace"))
        case _:
            return secrets.mask(str(value))


def _readable(*, colours: bool) -> Processor:
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


def _to_json(event: EventDict, **_: Any) -> str:
    try:
        return msgspec.json.encode(event).decode()
    except (UnicodeEncodeError, OverflowError):  # lone surrogates and huge integers: slower, but every line comes out
        return json.dumps(event)


#: What is added after `redact` is made here and holds nothing of anybody's.
_PROCESSORS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.format_exc_info,
    redact,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
)


class _Bridge(logging.Handler):
    """Hands a library's record to structlog, so that it takes the same way as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            log = structlog.get_logger()
            log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
        except Exception:
            self.handleError(record)
