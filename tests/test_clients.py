"""The harness for real clients: its pure parts."""

import pytest
from clients import report
from clients.place import HERE, lock_of
from clients.reference import RESULTS
from clients.report import Case, Result, Run
from clients.rows import BACKENDS, pinned
from clients.run import cases_in
from clients.table import BY_NAME, CLIENTS

PASSED = Run("grok.com", "grok-x", (Case("chat", "passed"), Case("tools", "passed")), 1.5)
MIXED = Run("console", "grok-y", (Case("chat", "failed", "no answer"), Case("films", "skipped", "none here")), 2.0)


def result(*runs: Run, name: str = "one") -> Result:
    return Result(name, "Client One", "pypi", "1.2", "chat", "2026-11-24", runs)


@pytest.mark.parametrize(
    ("pin", "expected"),
    [
        ("openai==3.54.0", ("openai", "3.54.0")),
        ("langchain[all]==1.0", ("langchain", "1.0")),
        ("openai@7.57.0", ("openai", "7.57.0")),
        ("@ai-sdk/openai@4.0.1", ("@ai-sdk/openai", "4.0.1")),
    ],
)
def test_a_pin_is_a_name_and_a_version(pin, expected):
    assert pinned(pin) == expected


@pytest.mark.parametrize("pin", ["openai", "openai>=3", "@ai-sdk/openai"])
def test_a_pin_is_exact(pin):
    with pytest.raises(ValueError, match="exact"):
        pinned(pin)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_row_names_what_is_there(client):
    assert (HERE / ("python" if client.kind == "pypi" else "node") / client.script).exists()
    assert [pinned(pin)[1] for pin in client.pins]
    assert set(client.on) <= {backend.name for backend in BACKENDS}
    assert lock_of(client).exists(), "run make clients with --lock"


def test_names_are_given_once():
    assert len(BY_NAME) == len(CLIENTS)


def test_results_are_those_of_the_table():
    results = report.read(RESULTS.read_text())
    assert [(one.name, one.version) for one in results] == [(one.name, one.version) for one in CLIENTS]


def test_cases_are_read_from_between_a_clients_own_talk():
    lines = [
        "Hello",
        '{"case": "a", "ok": true}',
        '{"ok": 1}',
        "{broken",
        '{"case": "b", "ok": false, "detail": "why"}',
        '{"case": "c", "ok": null, "detail": "no"}',
    ]
    assert cases_in(lines) == (Case("a", "passed"), Case("b", "failed", "why"), Case("c", "skipped", "no"))


def test_a_result_has_failed_when_a_case_did_or_nothing_ran():
    assert not result(PASSED).failed
    assert result(PASSED, MIXED).failed
    assert result(Run("grok.com", "grok-x", (), 0.0)).failed
    assert result().failed


def test_results_come_back_as_they_were_written():
    results = (result(PASSED, MIXED), result(PASSED, name="two"))
    assert report.read(report.written(results)) == results
    assert report.read("") == ()


def test_newer_results_take_the_place_of_older_ones():
    old, new, gone = result(MIXED), result(PASSED), result(PASSED, name="gone")
    two = result(PASSED, name="two")
    assert report.merged([two, old, gone], [new], ["one", "two"]) == (new, two)


def test_the_table_says_what_failed_and_why():
    text = report.table([result(PASSED, MIXED)])
    assert "Client One  1.2      grok.com  2 passed             1.5" in text
    assert "failed: one over console, chat: no answer" in text
    assert "skipped: one over console, films: none here" in text


def test_readmes_section_has_a_row_for_a_client_and_a_reason_for_what_was_not_run():
    text = report.section([result(PASSED, MIXED)])
    assert "| client | version | what was done | grok.com | console |" in text
    assert "| Client One | 1.2 | chat | 2 passed | 1 failed, 1 skipped |" in text
    assert "* Client One, `films`: none here" in text
