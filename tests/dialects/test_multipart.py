"""Forms: what clients send is read to the byte, and what is broken is a 400."""

from contextlib import suppress

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.canonical.problem import Kind, Refusal
from grok2api.dialects.multipart import Field, is_form, parse

TYPE = "multipart/form-data; boundary=B"


def body(*parts: bytes) -> bytes:
    return b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + b"--B--\r\n"


def part(name: bytes, data: bytes, more: bytes = b"", head: bytes = b"") -> bytes:
    return b'Content-Disposition: form-data; name="' + name + b'"' + more + b"\r\n" + head + b"\r\n" + data


@given(
    st.lists(
        st.tuples(st.text("abc[]", min_size=1, max_size=8), st.binary(max_size=300).filter(lambda d: b"--B" not in d)),
        max_size=6,
    )
)
def test_every_field_comes_back_to_the_byte(fields):
    whole = body(*(part(name.encode(), data) for name, data in fields))
    assert [(field.name, field.data) for field in parse(whole, TYPE)] == fields


def test_files_keep_their_name_and_type():
    whole = body(
        part(b"prompt", "Katze \N{CAT FACE}".encode()),
        part(b"input_reference", b"\r\n--not\r\n", b'; filename="a \\"b\\".png"', b"Content-Type: image/png\r\n"),
    )
    prompt, file = parse(whole, TYPE)
    assert (prompt.text, prompt.filename) == ("Katze \N{CAT FACE}", None)
    assert file == Field(name="input_reference", data=b"\r\n--not\r\n", filename='a "b".png', mime="image/png")


@pytest.mark.parametrize("quoted", [True, False])
async def test_a_form_of_a_client_library_is_read(quoted):
    form = aiohttp.FormData(quote_fields=quoted)
    form.add_field("model", "grok-imagine-video")
    form.add_field("input_reference[]", b"\x00\xff" * 500, filename="x.png", content_type="image/png")
    writer = form()

    class Sink:
        data = b""

        async def write(self, data):
            self.data += bytes(data)

    sink = Sink()
    await writer.write(sink)
    model, file = parse(sink.data, writer.content_type)
    assert (model.name, model.text) == ("model", "grok-imagine-video")
    assert (file.data, file.filename, file.mime) == (b"\x00\xff" * 500, "x.png", "image/png")


@pytest.mark.parametrize(
    ("whole", "content_type"),
    [
        (body(part(b"a", b"1"))[:-9], TYPE),
        (b"", TYPE),
        (b"nonsense", TYPE),
        (b"--B", TYPE),
        (b"--B\r\nno head\r\n--B--\r\n", TYPE),
        (b"--B\r\n\r\nno name\r\n--B--\r\n", TYPE),
        (b"--Bx\r\n\r\n\r\n--B--\r\n", TYPE),
        (body(*[part(b"a", b"1")] * 300), TYPE),
        (body(part(b"a", b"1", b"", b"X: " + b"y" * 9000 + b"\r\n")), TYPE),
    ],
)
def test_what_is_broken_is_refused(whole, content_type):
    with pytest.raises(Refusal) as refused:
        parse(whole, content_type)
    assert (refused.value.problem.kind, refused.value.problem.code) == (Kind.INVALID, "invalid_form")


@given(st.binary(max_size=400))
def test_no_bytes_do_worse_than_a_refusal(noise):
    for whole in (noise, b"--B\r\n" + noise + b"\r\n--B--\r\n"):
        with suppress(Refusal):
            parse(whole, TYPE)


def test_a_form_without_a_boundary_is_refused():
    with pytest.raises(Refusal) as refused:
        parse(body(), "multipart/form-data")
    assert refused.value.problem.kind is Kind.MEDIA_TYPE


def test_a_value_that_is_no_text_names_its_field():
    (field,) = parse(body(part(b"prompt", b"\xff")), TYPE)
    with pytest.raises(Refusal) as refused:
        _ = field.text
    assert refused.value.problem.param == "prompt"


@pytest.mark.parametrize(
    ("content_type", "form"),
    [(TYPE, True), ("Multipart/Form-Data;boundary=x", True), ("application/json", False), ("", False)],
)
def test_forms_are_told_by_their_type(content_type, form):
    assert is_form(content_type) is form
