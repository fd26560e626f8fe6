"""Data URIs and base64 text: read strictly, measured without a second copy."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files import attachment, b64
from grok2api.canonical.attachment import STEP
from grok2api.canonical.request import File
from grok2api.media.datauri import BadData, length, measure, measure_bytes, read
from grok2api.media.sniff import HEAD

READ = [
    ("data:image/png;base64,AAAA", "image/png"),
    ("DATA:Image/PNG;BASE64,AAAA", "image/png"),
    ("data:image/svg+xml;charset=utf-8;base64,AAAA", "image/svg+xml"),
    ("data:;base64,AAAA", ""),
    ("data:application/vnd.openxmlformats-officedocument.wordprocessingml.document;base64,AAAA",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
]  # fmt: skip


@pytest.mark.parametrize(("uri", "mime"), READ)
def test_a_data_uri_says_its_type_and_where_the_payload_begins(uri: str, mime: str) -> None:
    found, start = read(uri)
    assert (found, uri[start:]) == (mime, "AAAA")


@pytest.mark.parametrize(
    "uri",
    ["data:", "data:image/png,AAAA", "data:image/png;base64", "data:image/png;base64;AAAA", "data:png;base64,AAAA",
     "data: image/png;base64,AAAA", "image/png;base64,AAAA", "data:image/png;base64 ,AAAA", "data:a/b/c;base64,AAAA",
     "data:image/png;" + "x=y;" * 100 + "base64,AAAA"],
)  # fmt: skip
def test_other_forms_are_refused(uri: str) -> None:
    with pytest.raises(BadData):
        read(uri)


NOT_BASE64 = ["A", "AA", "AAA", "AA=", "AAA==", "=", "====", "AA==AAAA", "AA=A", "AA===", "A===", "AAAA=", "AAAA==",
              "AAAA===", "AAAA====", "AA======", "AAAA\n", "AA AA", "AA-_", "AAAÄ", "雲雲雲雲", "\0\0\0\0"]  # fmt: skip


@pytest.mark.parametrize("text", NOT_BASE64)
@pytest.mark.parametrize("before", ["", "data:image/png;base64,"])
@pytest.mark.parametrize("long", [False, True])
def test_broken_base64_is_noticed_wherever_it_is(text: str, before: str, long: bool) -> None:
    whole = before + "A" * STEP * long + text
    with pytest.raises(BadData, match="base64"):
        measure(whole, len(before))


def test_padding_at_the_end_of_a_piece_is_no_end() -> None:
    with pytest.raises(BadData, match="goes on"):
        measure("A" * (STEP - 4) + "AA==" + "AAAA")


@given(st.binary(max_size=400), st.integers(0, 40))
def test_what_is_measured_is_what_is_there(data: bytes, before: int) -> None:
    text = "x" * before + b64(data)
    found = measure(text, before)
    assert (found.size, found.digest, found.head) == (len(data), hashlib.sha256(data).hexdigest(), data)
    assert found == measure_bytes(data)
    assert length(text, before) == len(data)


@pytest.mark.parametrize("size", [HEAD - 1, HEAD, HEAD + 1, 3 * STEP, 3 * STEP + 1])
def test_large_data_is_the_same_in_every_form(size: int) -> None:
    data = (b"%PDF-" + bytes(range(256)) * (size // 256 + 1))[:size]
    text = "data:application/pdf;base64," + b64(data)
    contents = measure(text, 28)
    assert (contents.size, contents.head) == (size, data[:HEAD])
    part = File("https://example.org/")
    held = attachment(data, part)
    inline = attachment(data, part).__class__(
        **{name: getattr(held, name) for name in held.__struct_fields__} | {"data": text, "start": 28}
    )
    for file in (held, inline):
        assert file.whole() == data
        assert b"".join(file.pieces()) == data
        assert b"".join(file.base64) == base64.b64encode(data)
        assert len(file.base64) == len(base64.b64encode(data))
        assert max(map(len, file.base64)) <= STEP
        assert str(size) in repr(file)
        assert len(repr(file)) < 100


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    for function in (read, measure):
        for whole in (text, f"data:{text}", f"data:image/png;base64,{text}"):
            try:
                function(whole)
            except BadData:
                continue
