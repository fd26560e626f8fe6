"""Every form that people write, told by its content, in any pieces; and nothing that spoils more than itself."""

import itertools
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts.importing import Form, Reading, parse, read
from grok2api.accounts.importing.entries import MAX_TAG_LENGTH, MAX_TAGS
from grok2api.accounts.importing.formats import recognised
from grok2api.accounts.model import State
from grok2api.catalog import Tier

ONE, TWO, KEY = "first-session-token-0001", "second-session-token-0002", "xai-official-key-0003"
NOW = 1_767_225_600.0

FORMS = {
    "plain": (Form.TEXT, f"# mine\n{ONE}\n\nsso={TWO}\r\n"),
    "cookies": (Form.TEXT, f"sso={ONE}; sso-rw={ONE}; cf=1\nCookie: a=b; sso={TWO}\n"),
    "quoted cookies": (Form.TEXT, f'sso="{ONE}"\nsso="{TWO}"; sso-rw="{TWO}"\n'),
    "byte order mark": (Form.TEXT, f"\ufeff{ONE}\n{TWO}"),
    "json lines": (Form.JSONL, f'{{"token": "{ONE}"}}\n{{"sso": "{TWO}"}}\n'),
    "mixed lines": (Form.TEXT, f'{ONE}\n{{"token": "{TWO}"}}\n"{TWO}"\n'),
    "one object": (Form.JSONL, f'{{"token": "{ONE}"}}\n"{TWO}"'),
    "array": (Form.JSON, f'["{ONE}", {{"token": "{TWO}"}}]'),
    "by pool": (Form.JSON, json.dumps({"basic": [ONE], "super": [{"token": TWO}]})),
    "by pool, indented": (
        Form.JSON,
        json.dumps({"ssoBasic": [{"token": ONE}], "ssoSuper": [{"token": TWO}]}, indent=2),
    ),
    "by token": (Form.JSON, json.dumps({"sso": {ONE: {"status": "active"}}, "ssoSuper": {TWO: {}}})),
    "answer of an admin API": (
        Form.JSON,
        json.dumps({"tokens": [{"token": ONE}, {"token": TWO}], "pagination": {"n": 1}}),
    ),
    "documents one after the other": (Form.JSON, f'["{ONE}"] [\n"{TWO}"]'),
    "comma": (Form.CSV, f"token,pool,note\n{ONE},super,x\n{TWO},,\n"),
    "semicolon": (Form.CSV, f'\ufeff"Token";"Tier"\r\n"{ONE}";super\r\n{TWO};basic\r\n'),
    "tab": (Form.CSV, f"pool\tsso\nbasic\t{ONE}\n\t{TWO}\n"),
    "one column": (Form.CSV, f"cookie\n{ONE}\n{TWO}\n"),
    "toml lists": (Form.TOML, f'basic = ["{ONE}"]\nsuper = ["{TWO}"]\n'),
    "toml tables": (Form.TOML, f'[[accounts]]\ntoken = "{ONE}"\npool = "super"\n[[accounts]]\ntoken = "{TWO}"\n'),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_a_form_is_told_by_its_content_however_it_is_cut(name, size):
    form, text = FORMS[name]
    assert recognised(text) is form
    raw = text.encode()
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
    entries = list(read(chunks, Reading()))
    assert [entry.error for entry in entries if entry.error] == []
    assert list(dict.fromkeys(entry.secret for entry in entries)) == [ONE, TWO]


@pytest.mark.parametrize("name", FORMS)
def test_a_form_may_be_named(name):
    form, text = FORMS[name]
    assert [entry.secret for entry in read([text.encode()], Reading(), form)][:2] == [ONE, TWO]


def test_a_file_in_utf_16_is_read():
    text = f"token\tpool\r\n{ONE}\tsuper\r\n"
    (entry,) = read([b"\xff\xfe" + text.encode("utf-16-le")], Reading())
    assert (entry.secret, entry.tier) == (ONE, Tier.SUPER)


def test_pools_and_tags_are_the_entrys_own_or_those_of_the_whole():
    text = (
        f'{{"token": "{ONE}", "pool": "heavy", "tags": ["a", " b ", "a"]}}\n{TWO}\n{{"token": "{KEY}", "pool": "api"}}'
    )
    one, two, key = parse(text, "super", ("all",))
    assert (one.tier, one.tags) == (Tier.HEAVY, ("all", "a", "b"))
    assert (two.tier, two.tags) == (Tier.SUPER, ("all",))
    assert (key.tier, key.error) == (Tier.API, "")
    guessed, official = parse(f"{ONE}\n{KEY}")
    assert (guessed.tier, guessed.account("acc_1", NOW).tier, official.tier) == (None, Tier.BASIC, Tier.API)


def test_a_table_says_what_else_is_known():
    text = (
        "token,pool,tags,note,disabled,use_count,last_used_at\n"
        f'{ONE},super,"a,b","written\nby hand",yes,17,1767225600000\n'
        f'{TWO},basic,"[""c, d""]",,0,,\n'
    )
    one, two = parse(text, now=NOW)
    assert (one.tags, one.past.state, one.past.state_reason) == (
        ("a", "b", "written by hand"),
        State.DISABLED,
        "disabled where it comes from",
    )
    assert (one.past.use_count, one.past.last_used_at) == (17, NOW)
    assert (two.tags, two.past.state) == (("c, d",), State.ACTIVE)


BAD = [
    ("a;b\n", "the cookies hold no sso value"),
    (f'{{"token": "{ONE}", "pool": "gold"}}', "the pool is none of"),
    (f'{{"token": "{ONE}", "status": "MARKED"}}', "its status is none of"),
    (f'{{"token": "{KEY}", "pool": "basic"}}', "belongs to the pool api"),
    (f'{{"token": "{ONE}", "pool": "xai"}}', "OAuth sign-in"),
    ('{"token": 5.5}', "names no token"),
    ('{"token": "x", "tags": [' + ",".join(f'"{n}"' for n in range(MAX_TAGS + 1)) + "]}", "more than 32 tags"),
    ('{"token": "x", "tags": ["' + "t" * (MAX_TAG_LENGTH + 1) + '"]}', "longer than 64"),
    ("t" * 4097, "longer than 4096"),
    ("x" * 70_000, "too long for a line"),
    ("eyJhbGci...AbCdEfGh", "is masked"),
    ("***", "is masked"),
    ('x\n{"token": ', "neither a credential nor"),
    ("tok\xff".encode("latin-1"), "no text in UTF-8"),
    ('["MARKED-1", {"token": }, "MARKED-2"]', "what follows was not read"),
    ('["x"', "what follows was not read"),
    ('{"supper": ["MARKED"]}', "other names than the pools"),
    ("{}", "other names than the pools"),
    ("[ [1] ]", "neither a credential nor"),
    ("token,pool\nx,basic,MARKED\n", "more cells"),
    ('token,pool\n"MARKED,basic\n', "check its quotes"),
    ("[app]\napp_key = 'MARKED'\n", "is a configuration"),
    ("[accounts\n", "is broken"),
    ("basic = [nonsense]\n", "is no TOML"),
    ("state,token\nodd,x\n", "its member `state`"),
    ("state,token,windows\nactive,x,{MARKED\n", "its member `windows`"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_what_is_wrong_is_said_without_repeating_it(text, why):
    raw = text if isinstance(text, bytes) else text.encode()
    errors = [entry.error for entry in read([raw], Reading()) if entry.error]
    assert any(why in error for error in errors), errors
    assert "MARKED" not in "".join(errors)


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n;;;\n{TWO}\n",
        f'{{"token": "{ONE}"}}\n{{"token": \n{{"token": "{TWO}"}}\n',
        f'[ "{ONE}", null, {{"tokn": 1}}, "{TWO}"]',
        f'token;pool\n{ONE};super\n"open;basic\n{TWO};basic\n',
        f'token,note\n{ONE},5" disk\n"x"y,z\n{TWO},6" disk\n',
        f"token\n{ONE}\n{'x' * 70_000}\n{TWO}\n",
        f'{{"basic": ["{ONE}", 5, []], "super": ["{TWO}"]}}',
    ],
)
def test_a_bad_entry_spoils_no_other(text):
    entries = parse(text)
    assert [entry.secret for entry in entries if not entry.error] == [ONE, TWO]
    assert any(entry.error for entry in entries)


@pytest.mark.parametrize("form", Form)
@given(data=st.binary(max_size=300), size=st.integers(1, 60))
def test_arbitrary_bytes_are_entries_or_errors(form, data, size):
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    for entry in read(chunks, Reading(now=NOW), form):
        assert bool(entry.error) != bool(entry.secret)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["token", "pool", "tags", "state", "status", "quota", "windows", "ext", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_arbitrary_json_is_entries_or_errors(value):
    for text in (json.dumps(value), json.dumps([value]), json.dumps({"basic": [value], "sso": {"t": value}})):
        for entry in parse(text, now=NOW):
            assert bool(entry.error) != bool(entry.secret)
            if not entry.error:
                entry.account("acc_1", NOW)


@pytest.mark.parametrize(
    ("begin", "row", "end"),
    [
        ("", "{token}\n", ""),
        ("", '{{"token": "{token}", "tags": ["x"]}}\n', ""),
        ("token,pool\n", "{token},super\n", ""),
        ('{{"super": [', '{{"token": "{token}"}},\n', '"last"]}}'),
    ],
    ids=["text", "json lines", "csv", "json"],
)
def test_memory_does_not_grow_with_the_number_of_accounts(begin, row, end):
    def chunks(count):
        yield begin.replace("{{", "{").encode()
        for number in range(count):
            yield row.format(token=f"session-{number:010}-{'x' * 200}").encode()
        yield end.replace("}}", "}").encode()

    def peak(count):
        tracemalloc.start()
        try:
            assert sum(not entry.error for entry in read(chunks(count), Reading())) >= count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(6_000) < peak(1_000) + 200_000


def test_the_same_account_in_another_spelling_is_the_same_entry():
    spellings = (
        ONE,
        f"sso={ONE}",
        f"sso-rw=other; sso={ONE}",
        ONE.replace("-", "\u2014"),
        f" {ONE[:5]} {ONE[5:]} ",
        f'"{ONE}"',
    )
    for spelled in spellings:
        assert [entry.secret for entry in parse(spelled)] == [ONE]
    assert len({entry.secret for entry in itertools.chain.from_iterable(map(parse, spellings))}) == 1
