"""Verdicts on entries: tables, and the promise that twice is the same as once (P11)."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts.importing import parse
from grok2api.accounts.importing.entries import Entry
from grok2api.accounts.importing.planning import Known, OnExisting, Planner, Verdict, plan, updated
from grok2api.accounts.model import Account, Kind, Source, Window, new_account
from grok2api.catalog import Tier

HERE = {
    "here-1": Known("acc_1", Tier.BASIC, ("a",)),
    "here-2": Known("acc_2", Tier.SUPER),
    "gone-3": Known("acc_3", Tier.BASIC, deleted=True),
}
TEXT = """\
new-0
sso=new-0
{"token": "here-1", "pool": "super", "tags": ["a", "b"]}
here-2
{"token": "gone-3", "tags": ["x"]}
{"token": "theirs", "deleted_at": 1767225600000}
a;b
"""


def verdicts(on_existing):
    return [(row.verdict, row.account_id, row.changes) for row in plan(parse(TEXT), HERE, on_existing).rows]


def test_each_entry_gets_its_verdict():
    assert verdicts(OnExisting.SKIP) == [
        (Verdict.ADD, "", ()),
        (Verdict.DUPLICATE, "", ()),
        (Verdict.SAME, "acc_1", ()),
        (Verdict.SAME, "acc_2", ()),
        (Verdict.RESTORE, "acc_3", ()),
        (Verdict.GONE, "", ()),
        (Verdict.INVALID, "", ()),
    ]
    assert verdicts(OnExisting.UPDATE)[2:4] == [
        (Verdict.UPDATE, "acc_1", ("pool basic -> super", "tags + b")),
        (Verdict.SAME, "acc_2", ()),
    ]


def test_totals_name_every_verdict():
    totals = plan(parse(TEXT), HERE).totals
    assert set(totals) == set(Verdict)
    assert sum(totals.values()) == 7
    assert plan([], {}).totals == dict.fromkeys(Verdict, 0)


def test_Z2_rows_are_masked():
    (row,) = plan(parse("session-MARKED-0123456789-0123"), {}).rows
    assert (row.token, row.where) == ("session-...789-0123", "line 1")
    assert "MARKED" not in repr(row)


def test_an_update_adds_what_is_lacking_and_keeps_what_is_known():
    account = new_account("acc_1", "here-1", Kind.WEB, Tier.BASIC, 0.0, tags=("a",))
    real = Window(5, 20, 3600, 9.0, Source.REAL)
    account = Account(
        **{name: getattr(account, name) for name in account.__struct_fields__} | {"windows": {"console": real}}
    )
    entry = Entry("x", "here-1", Tier.SUPER, ("b", "a"))
    changed = updated(account, entry)
    assert (changed.tier, changed.tags, changed.windows["console"]) == (Tier.SUPER, ("a", "b"), real)
    assert updated(account, Entry("x", "here-1")) == account


secrets = st.sampled_from(["one", "two", "three"])
entries = st.lists(
    st.builds(
        Entry,
        where=st.just("x"),
        secret=secrets,
        tier=st.sampled_from([None, Tier.BASIC, Tier.SUPER]),
        tags=st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple),
    )
    | st.just(Entry("x", error="bad")),
    max_size=6,
)


@given(entries, st.sampled_from(OnExisting))
def test_P11_twice_is_the_same_as_once(some, on_existing):
    pool: dict[str, Account] = {}

    def taken() -> Counter[Verdict]:
        planner, counted = Planner(on_existing), Counter()
        for entry in some:
            account = pool.get(entry.secret)
            known = None if account is None else Known(account.id, account.tier, account.tags)
            verdict = planner.row(entry, known).verdict
            counted[verdict] += 1
            if verdict is Verdict.ADD:
                pool[entry.secret] = entry.account(f"acc_{len(pool)}", 0.0)
            elif verdict is Verdict.UPDATE:
                pool[entry.secret] = updated(pool[entry.secret], entry)
        return counted

    assert taken()[Verdict.ADD] == len(pool)
    before = dict(pool)
    second = taken()
    assert pool == before
    assert second[Verdict.ADD] == second[Verdict.UPDATE] == 0
