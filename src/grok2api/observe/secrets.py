"""Which values must never be seen, and how a line of text is rid of them.

Registered secrets are looked up by their first characters and length, so that a line costs the same with one account
as with a hundred thousand. Values that nobody registered but that look like a credential are masked by pattern. Only
lines that are really written pay for either.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MASK = "********"

#: Shorter values are not masked: they would turn up in innocent words.
SHORTEST = 6

#: `(what stays)(what is masked)`. The name before a value stays, so that the line can still be understood.
_PATTERNS = re.compile(
    r"(?P<kept>"
    r"\b(?:sso|sso-rw|cf_clearance|__cf_bm|x-userid|app_key|api_key|access_token|x-api-key|x-statsig-id)[\"']?\s*[=:]\s*[\"']?"
    r"|\b(?:Bearer|DPoP|Basic)\s+"
    r"|://(?=[^/@\s]*:[^/@\s]*@)"
    r")"
    r"(?P<secret>(?!anonymous\b)[^\s\"',;&@}\\]{4,})"
    r"|\b(?P<bare>eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|xai-[\w-]{16,})",
    re.IGNORECASE,
)

#: Cheap to look for, and in everything that `_PATTERNS` can match.
_MAY_MATCH = re.compile(r"[=: ]|eyJ|xai-", re.IGNORECASE)


class Secrets:
    """A registry of secret values. Registering is cheap, idempotent and safe from any thread."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        #: First characters of a secret -> the lengths of those that begin so, longest first. Session tokens all begin
        #: alike, so the lengths, and not the secrets, are what a line is tried with.
        self._lengths: dict[str, tuple[int, ...]] = {}

    def register(self, *values: str) -> None:
        """From now on `values` are masked, as they are and percent-encoded."""
        for form in _forms(values):
            self._forms.add(form)
            head = form[:SHORTEST]
            lengths = self._lengths.get(head, ())
            if len(form) not in lengths:
                self._lengths[head] = tuple(sorted((*lengths, len(form)), reverse=True))

    def register_cookies(self, cookies: str) -> None:
        """The values of a cookie string, each on its own and the string as a whole."""
        self.register(cookies, *(pair.partition("=")[2].strip() for pair in cookies.split(";")))

    def forget(self, values: Iterable[str]) -> None:
        """`values` are no secrets any more: their accounts are gone."""
        self._forms.difference_update(_forms(values))

    def mask(self, text: str) -> str:
        """`text` without any secret in it."""
        if len(text) < SHORTEST:
            return text
        text = self._without_registered(text)
        return _PATTERNS.sub(_masked, text) if _MAY_MATCH.search(text) else text

    def _without_registered(self, text: str) -> str:
        if not self._forms:
            return text
        pieces: list[str] = []
        begin = at = 0
        last = len(text) - SHORTEST
        while at <= last:
            lengths = self._lengths.get(text[at : at + SHORTEST])
            length = next((n for n in lengths if text[at : at + n] in self._forms), 0) if lengths else 0
            if length:
                pieces += (text[begin:at], MASK)
                at = begin = at + length
            else:
                at += 1
        return "".join((*pieces, text[begin:])) if pieces else text


def _forms(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        for form in {value, quote(value, safe="")}:
            if len(form) >= SHORTEST:
                yield form


def _masked(match: re.Match[str]) -> str:
    return f"{match['kept'] or ''}{MASK}"


#: The process's own registry: what knows a secret registers it here, and every log line goes through it.
secrets = Secrets()
