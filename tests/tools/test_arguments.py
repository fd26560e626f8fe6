"""The writer and what is built on it: JSON as models write it, and what it comes to."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.tools.arguments import Writer, compact
from grok2api.tools.mend import mend

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

RIGHT = [
    '{"a":1.50,"b":-0.0e+10,"c":12345678901234567890}',
    '{"a":"\\u00e9\\/\\ud83d\\ude00\\n","b":"\u2028é😀"}',
    '[[],{},[{}],"",null,true,false]',
    '{"a":1,"a":2}',
]

MENDED = [
    ('{ "a" : [ 1 , 2 ] }', '{"a":[1,2]}'),
    ('{"a": "x\ny\tz\x00"}', '{"a":"x\\ny\\tz\\u0000"}'),
    ('{"a": 1,}', '{"a":1}'),
    ('{"a": [1, 2,],}', '{"a":[1,2]}'),
    ('{"a": "the "old" town", "b": 1}', '{"a":"the \\"old\\" town","b":1}'),
    ('{"a": "C:\\dir \\d+ \\x41 \\u12"}', '{"a":"C:\\\\dir \\\\d+ \\\\x41 \\\\u12"}'),
    ('{"a": "\\ud83d \\ude00 \\ud83d\\ud83d\\ude00"}', '{"a":"\\ufffd \\ufffd \\ufffd\\ud83d\\ude00"}'),
    ("{'a': 'it\\'s \"x\"', b: True, c_d: None}", '{"a":"it\'s \\"x\\"","b":true,"c_d":null}'),
    ('{"a": 1 "b": 2}', '{"a":1,"b":2}'),
    ('[{"a": 1} {"a": 2}]', '[{"a":1},{"a":2}]'),
    ('{"a": "it\'s"}', '{"a":"it\'s"}'),
    ('{"a": 1}}', '{"a":1}'),
]

BROKEN = [
    '{"a" 1}',
    '{"a":}',
    '{"a"}',
    "{,}",
    '{"a": NaN}',
    '{"a": 01}',
    '{"a": ][}',
    '{"a": (1)}',
    "nothing",
    '"a"',
    "{" * 300,
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_stays_byte_for_byte(text: str) -> None:
    assert compact(text) == text


@pytest.mark.parametrize(("text", "wanted"), MENDED)
def test_what_can_be_mended_without_a_guess_is(text: str, wanted: str) -> None:
    assert compact(text) == wanted
    json.loads(wanted)


@pytest.mark.parametrize("text", BROKEN)
def test_what_needs_a_guess_is_nothing(text: str) -> None:
    assert compact(text) is None


@pytest.mark.parametrize("text", [*RIGHT, *(text for text, _ in MENDED), *BROKEN[:8]])
def test_C3_what_was_written_is_valid_json_wherever_it_stops(text: str) -> None:
    for end in range(1, len(text) + 1):
        results = []
        for pieces in ([text[:end]], list(text[:end])):
            writer = Writer()
            for piece in pieces:
                writer.feed(piece)
            early = writer.take()
            writer.finish()
            results.append(early + writer.take())
        assert results[0] == results[1]
        if text[0] in "{[":
            json.loads(results[0])


@given(_VALUES.filter(lambda value: isinstance(value, dict | list)), st.sampled_from([None, 0, 3]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_json_comes_out_compact_and_equal(value: object, indent: int | None, plain: bool) -> None:
    assert compact(json.dumps(value, indent=indent, ensure_ascii=plain)) == json.dumps(
        value, separators=(",", ":"), ensure_ascii=plain
    )


def test_a_key_without_its_value_is_not_written() -> None:
    writer = Writer()
    writer.feed('{"a": 1, "b": ')
    assert writer.take() == '{"a":1'
    writer.finish()
    assert (writer.take(), writer.cut) == ("}", True)


def test_strings_flow_while_they_are_open() -> None:
    writer = Writer()
    writer.feed('{"a": "one')
    assert writer.take() == '{"a":"one'
    writer.feed(" two\n")
    assert writer.take() == " two\\n"


def test_it_stops_at_the_markup_around_it() -> None:
    writer = Writer()
    text = '{"a": "</b>" </parameters>'
    assert text[writer.feed(text) :] == "</parameters>"
    assert writer.stopped


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "{}"),
        (" \n", "{}"),
        ('```json\n{"a": 1}\n```', '{"a":1}'),
        ('<![CDATA[{"a": 1}]]>', '{"a":1}'),
        ('"{\\"a\\": 1}"', '{"a":1}'),
        ("{&quot;a&quot;: &quot;&lt;b&gt;&quot;}", '{"a":"<b>"}'),
        ("[1]", None),
        ("7", None),
        ('"text"', None),
        ('"broken', None),
    ],
)
def test_whole_arguments_are_unwrapped(text: str, wanted: str | None) -> None:
    assert mend(text) == wanted
