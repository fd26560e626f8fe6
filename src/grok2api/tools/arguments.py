"""The writer: JSON as models write it in, valid compact JSON out, as it arrives.

What comes out, joined, is valid JSON once the writer is `done` or `finish` was called, wherever the text
was cut; and it does not depend on how the text was cut into pieces. Whitespace between tokens goes; strings,
numbers and escapes that were right stay byte for byte. Mended on the way: raw control characters, unescaped
quotes and unknown escapes in strings, lone surrogates, single quotes, bare keys, `True` and `None`, a trailing
or missing comma, missing brackets at the end. What cannot be mended without a guess sets `broken`, and
the writer goes on as well as it can. A key is written only together with the start of its value.

It stops at a `<` outside strings: there the surrounding markup goes on.
"""

import json
import re

_WHITE = " \t\n\r\f\v\u00a0\ufeff"
_SPACE = re.compile(rf"[{_WHITE}]*")
_LITERAL = re.compile(rf"[^{_WHITE},:\[\]{{}}\"'<]+")
_RUNS = {'"': re.compile(r'[^"\\\x00-\x1f]+'), "'": re.compile(r"[^'\"\\\x00-\x1f]+")}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BARE_KEY = re.compile(r"[A-Za-z_$][\w$-]*", re.ASCII)
_WORDS = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
_CONTROLS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_HEX = frozenset("0123456789abcdefABCDEF")
_CLOSERS = {"{": "}", "[": "]"}
_DEEPEST = 200

# What may come next, outside strings.
_KEY, _COLON, _VALUE, _NEXT = range(4)


class Writer:
    """Feed it text from the opening bracket on; take what is ready with `take`.

    taken: characters eaten so far. done: the outermost bracket was closed. stopped: it met a `<`, or
    nesting too deep to go on. broken: something was lost or guessed. cut: `finish` had to close a
    string or bracket.
    """

    __slots__ = (
        "_escape",
        "_gap",
        "_high",
        "_in_key",
        "_lead",
        "_literal",
        "_out",
        "_quote",
        "_sink",
        "_stack",
        "_want",
        "broken",
        "cut",
        "done",
        "stopped",
        "taken",
    )

    def __init__(self) -> None:
        self._out: list[str] = []
        self._stack: list[str] = []
        self._want = _VALUE
        self._lead = ""  # comma, key and colon that wait for their value
        self._literal = ""
        self._quote = ""  # the quote that opened the string we are in
        self._in_key = False
        self._sink = self._out
        self._escape = ""
        self._high = ""  # a high surrogate's escape that waits for its low one
        self._gap: list[str] | None = None  # white space after a quote that may or may not close
        self.taken = 0
        self.done = self.stopped = self.broken = self.cut = False

    def feed(self, text: str, start: int = 0, end: int | None = None) -> int:
        """Eat `text[start:end]`; returns where it stopped.

        That is `end` unless it is `done` or `stopped`, or a `<` after a quote needs one more character to be
        judged: feed that `<` again, with what follows.
        """
        end = len(text) if end is None else end
        at = start
        while at < end and not (self.done or self.stopped):
            if self._gap is not None:
                if text[at] == "<" and at + 1 == len(text):
                    break
                at = self._after_quote(text, at, end)
            elif self._quote:
                at = self._string(text, at, end)
            else:
                at = self._token(text, at, end)
        self.taken += at - start
        return at

    def take(self) -> str:
        """What was written since the last time."""
        text = "".join(self._out)
        self._out.clear()
        return text

    def finish(self) -> None:
        """The text is over: close what is open. A key without a value goes."""
        if self.done:
            return
        if self._gap is not None:
            self._close_quote()
        elif self._quote:
            self._cut_string()
        elif self._literal:
            self._end_literal(cut=not self.stopped)
        self._drop_lead()
        self.cut = self.cut or not self.stopped
        while self._stack:
            self._out.append(_CLOSERS[self._stack.pop()])
        self.done = True

    # --- outside strings ---------------------------------------------------------------------

    def _token(self, text: str, at: int, end: int) -> int:
        match = _LITERAL.match(text, at, end)
        if match:
            self._literal += match.group()
            return match.end()
        if self._literal:
            self._end_literal()
        match = _SPACE.match(text, at, end)
        if match and match.end() > at:
            return match.end()
        char = text[at]
        if char == "<":
            self.stopped = True
            return at
        if char in "\"'":
            self._begin_string(char)
        elif char in "{[":
            self._open(char)
        elif char in "}]":
            self._shut(char)
        else:
            self._separate(char)
        return at + 1

    def _separate(self, char: str) -> None:
        if char == "," and self._want == _NEXT:
            self._lead = ","
            self._want = _KEY if self._stack[-1] == "{" else _VALUE
        elif char == ":" and self._want == _COLON:
            self._lead += ":"
            self._want = _VALUE
        else:
            self.broken = True

    def _ready_for_value(self) -> bool:
        """Whether a value may start here; a comma that is missing in an array is put in."""
        if self._want == _NEXT and self._stack and self._stack[-1] == "[":
            self._separate(",")
        if self._want == _VALUE:
            self._out.append(self._lead)
            self._lead = ""
            return True
        self.broken = True
        return False

    def _open(self, char: str) -> None:
        if len(self._stack) >= _DEEPEST:
            self.broken = self.stopped = True
        elif self._ready_for_value():
            self._out.append(char)
            self._stack.append(char)
            self._want = _KEY if char == "{" else _VALUE

    def _shut(self, char: str) -> None:
        opener = "{" if char == "}" else "["
        if opener not in self._stack:
            self.broken = True
            return
        self._drop_lead()
        while True:
            top = self._stack.pop()
            self._out.append(_CLOSERS[top])
            if top == opener:
                break
            self.broken = True
        self._want = _NEXT
        self.done = not self._stack

    def _drop_lead(self) -> None:
        """A trailing comma goes unnoticed; a key without its value does not."""
        if self._lead not in ("", ","):
            self.broken = True
        self._lead = ""

    def _end_literal(self, cut: bool = False) -> None:
        literal, self._literal = self._literal, ""
        if self._want == _NEXT and self._stack[-1] == "{":
            self._separate(",")
        if self._want == _KEY:
            self.broken = self.broken or not _BARE_KEY.fullmatch(literal)
            self._lead += _quoted(literal)
            self._want = _COLON
            return
        word = literal if _NUMBER.fullmatch(literal) else _WORDS.get(literal)
        if word is None and cut:
            return
        if self._ready_for_value():
            self.broken = self.broken or word is None
            self._out.append(word if word is not None else _quoted(literal))
            self._want = _NEXT

    # --- strings -----------------------------------------------------------------------------

    def _begin_string(self, quote: str) -> None:
        if self._want == _NEXT and self._stack[-1] == "{":
            self._separate(",")
        self._quote = quote
        self._in_key = self._want == _KEY
        if self._in_key:
            self._sink = []
        elif not self._ready_for_value():
            self._sink = []  # a string where none can be: read to its end, written nowhere
        self._sink.append('"')

    def _string(self, text: str, at: int, end: int) -> int:
        if self._escape:
            return self._escaped(text, at)
        match = _RUNS[self._quote].match(text, at, end)
        if match:
            self._put(match.group())
            return match.end()
        char = text[at]
        if char == self._quote:
            self._gap = []
        elif char == "\\":
            self._escape = char
        elif char == '"':
            self._put('\\"')
        else:
            self._put(_CONTROLS.get(char) or f"\\u{ord(char):04x}")
        return at + 1

    def _put(self, text: str) -> None:
        if self._high:
            self._high = ""
            self._sink.append("\\ufffd")
        self._sink.append(text)

    def _escaped(self, text: str, at: int) -> int:
        """One character of an escape; an unknown escape was meant as a backslash, and stays one."""
        char = text[at]
        if self._escape == "\\":
            if char in '"\\/bfnrt':
                self._put("\\" + char)
            elif char == "'":
                self._put("'")
            elif char == "u":
                self._escape = "\\u"
                return at + 1
            else:
                self._put("\\\\")
                at -= 1
            self._escape = ""
            return at + 1
        if char not in _HEX:
            self._put("\\" + self._escape)
            self._escape = ""
            return at
        self._escape += char
        if len(self._escape) == 6:
            self._unicode(self._escape)
            self._escape = ""
        return at + 1

    def _unicode(self, escape: str) -> None:
        code = ord(json.loads(f'"{escape}"'))
        if 0xD800 <= code < 0xDC00:
            self._put("")
            self._high = escape
        elif 0xDC00 <= code < 0xE000:
            high, self._high = self._high, ""
            self._put(high + escape if high else "\\ufffd")
        else:
            self._put(escape)

    def _after_quote(self, text: str, at: int, end: int) -> int:
        """In JSON only a separator can follow the quote that ends a string; any other quote was meant as text."""
        gap = self._gap
        assert gap is not None
        match = _SPACE.match(text, at, end)
        if match and match.end() > at:
            gap.append(match.group())
            return match.end()
        if text.startswith("</", at):
            self._close_quote()
            self.stopped = True
        elif text[at] in (":" if self._in_key else ",}]"):
            self._close_quote()
        else:
            self._reopen(gap)
        return at

    def _reopen(self, gap: list[str]) -> None:
        self._gap = None
        self._put("'" if self._quote == "'" else '\\"')
        for char in "".join(gap):
            self._put(char if char >= " " else _CONTROLS.get(char) or f"\\u{ord(char):04x}")

    def _close_quote(self) -> None:
        self._gap = None
        self._quote = ""
        self._put('"')
        if self._in_key:
            self._lead += "".join(self._sink)
            self._want = _COLON
        elif self._sink is self._out:
            self._want = _NEXT
        self._sink = self._out

    def _cut_string(self) -> None:
        self._escape = ""
        if self._in_key:
            self._lead = self._quote = self._high = ""
        else:
            self._close_quote()
        self._sink = self._out


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char >= " " else f"\\u{ord(char):04x}" for char in escaped) + '"'


def compact(text: str) -> str | None:
    """`text` as one valid compact JSON object or array, mended; None when that would take a guess."""
    text = text.lstrip(_WHITE)
    if text[:1] not in ("{", "["):
        return None
    writer = Writer()
    end = writer.feed(text)
    if not writer.done or writer.broken or text[end:].strip(_WHITE + "}]"):
        return None
    return writer.take()
