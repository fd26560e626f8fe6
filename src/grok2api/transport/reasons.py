"""Why no answer came, in words that hold no secret: one table from what a client raises to what the caller is told."""

import socket
import ssl

from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.base import UNANSWERED, TransportError

Reasons = tuple[tuple[tuple[type[BaseException], ...], str], ...]

#: What the standard library raises; a client with exceptions of its own puts its rows before these.
REASONS: Reasons = (
    ((ssl.SSLCertVerificationError,), "{host} shows a certificate that is not trusted"),
    ((ssl.SSLError,),                 "No secure connection to {host} could be made"),
    ((socket.gaierror, UnicodeError), "The name {host} cannot be resolved"),
    ((TimeoutError,),                 "{host} did not accept a connection in time"),
    ((ConnectionRefusedError,),       "{host} does not accept connections"),
)  # fmt: skip


def unreachable(message: str, evidence: str, code: str = "upstream_unreachable") -> TransportError:
    """The failure of a call that was not answered."""
    return TransportError(Problem(kind=Kind.UNREACHABLE, message=message, code=code, evidence=evidence.encode()))


def explain(error: BaseException, host: str, reasons: Reasons = REASONS) -> TransportError:
    """Why no answer came from `host`; the first row that fits."""
    for kinds, words in reasons:
        if isinstance(error, kinds):
            return unreachable(words.format(host=host), type(error).__name__)
    return unreachable(f"{host} closed the connection without answering", type(error).__name__, UNANSWERED)
