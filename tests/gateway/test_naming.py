"""Which of several models answers, and what is listed, by what the pool can do."""

from collections.abc import Collection

import pytest
from gateway_fakes import FakePool, request

from grok2api.accounts.leases import Need
from grok2api.aliases import WELL_KNOWN, Aliases, Choice
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import BY_NAME, Surface, Tier
from grok2api.gateway.naming import Naming, with_effort
from grok2api.gateway.options import Options

ALL = frozenset(Surface)
ORDER = {"best": "grok-4.20-heavy, grok-4.20-auto, grok-4.3-console-high", "one": "grok-4.20-heavy"}


class Standing(FakePool):
    """A pool with accounts for some modes, which rest in some of them."""

    def __init__(self, modes: str = "", resting: str = "") -> None:
        super().__init__()
        self.modes = {*modes.split(), *resting.split()}
        self.resting = set(resting.split())
        self.asked: list[tuple[str, ...]] = []

    def ready(self, need: Need) -> bool:
        self.asked.append(need.modes)
        return any(mode in self.modes - self.resting for mode in need.modes)

    def serves(self, tiers: Collection[Tier], mode: str) -> bool:
        return mode in self.modes


def naming(
    pool: Standing, surfaces: Collection[Surface] = ALL, table: dict[str, str] = ORDER, **options: bool
) -> Naming:
    chosen = Options(aliases=Aliases(table, **options))
    return Naming(pool, lambda: chosen, surfaces)


@pytest.mark.parametrize(
    ("modes", "resting", "model"),
    [
        ("heavy auto console", "", "grok-4.20-heavy"),
        ("auto console", "heavy", "grok-4.20-auto"),
        ("fast console", "", "grok-4.20-auto"),  # `auto` may be served in `fast`
        ("console", "", "grok-4.3-console"),
        ("", "auto console", "grok-4.20-auto"),  # nobody is ready: the first that comes back
        ("", "", "grok-4.20-heavy"),  # nobody can ever: the first, whose refusal says what is missing
    ],
)
def test_of_several_the_first_that_can_serve_now_answers(modes: str, resting: str, model: str) -> None:
    assert naming(Standing(modes, resting)).find("best").model.name == model


def test_a_name_that_leads_to_one_model_costs_no_look_at_the_pool() -> None:
    pool = Standing("heavy")
    names = naming(pool)
    assert names.find("one").model is names.find("grok-4.20-heavy").model
    assert pool.asked == []


@pytest.mark.parametrize(
    ("modes", "model", "effort"),
    [
        ("fast console", "grok-4.3-console", "high"),  # one basic account
        ("auto fast expert grok43 console image video", "grok-4.3-console", "high"),  # a super account
        ("auto fast expert grok43", "grok-4.20-expert", None),
        ("fast", "grok-4.20-auto", None),  # served in `fast`: `auto` may be
    ],
)
def test_the_strongest_of_what_there_is_answers_to_opus(modes: str, model: str, effort: str | None) -> None:
    choice = naming(Standing(modes)).find("claude-opus-5-5")
    assert (choice.model.name, choice.effort) == (model, effort)


def test_the_endpoint_decides_where_a_rule_leaves_the_choice() -> None:
    names = naming(Standing("image video fast"))
    assert names.find("gpt-image-1", Surface.IMAGE_EDIT).model.name == "grok-imagine-image-edit"
    assert names.find("gpt-image-1", Surface.IMAGE).model.name == "grok-imagine-image"
    assert naming(Standing("fast")).find("gpt-image-1", Surface.IMAGE).model.name == "grok-imagine-image-lite"
    assert names.find_maker("sora-2", Surface.VIDEO)[0].name == "grok-imagine-video"


def test_C9_an_unknown_name_is_told_the_nearest_that_can_be_served() -> None:
    with pytest.raises(Refusal) as refused:
        naming(Standing("fast")).find("grok-4.20-hevy")
    problem = refused.value.problem
    assert (problem.kind, problem.code, problem.param) == (Kind.MODEL_NOT_FOUND, "model_not_found", "model")
    assert problem.message.count("grok-") == 4
    assert "grok-4.20-heavy" not in problem.message
    with pytest.raises(Refusal, match=r"nearest are: my-model, "):
        naming(Standing("fast"), table={"my-model": "grok-4.20-fast"}).find("my-modle")


def test_a_model_of_another_version_is_said_to_be_one() -> None:
    with pytest.raises(Refusal, match="not served by this version"):
        naming(Standing("video"), {Surface.WEB_CHAT}).find("grok-imagine-video")


def test_aliases_are_listed_as_far_as_they_can_be_served() -> None:
    pool = Standing("console")
    table = {"mine": "grok-4.3-console", "heavy": "grok-4.20-heavy", "my-*": "grok-4.3-console"}
    listed = {row.name: row.title for row in naming(pool, table=table).listed(well_known=False)}
    assert listed["grok-4.3-console"] == "Grok 4.3 (Console)"
    assert listed["mine"] == "mine: Grok 4.3 (Console)"
    assert {"heavy", "my-*", "grok-4.20-heavy", *WELL_KNOWN}.isdisjoint(listed)
    known = [row.name for row in naming(pool, table=table).listed(well_known=True)]
    assert set(WELL_KNOWN) <= set(known)
    assert len(known) == len(set(known))


def test_well_known_names_are_listed_by_whatever_rule_serves_them() -> None:
    def known(table: dict[str, str]) -> set[str]:
        names = naming(Standing("console"), table=table, defaults=False)
        return {row.name for row in names.listed(well_known=True)} & set(WELL_KNOWN)

    assert known({}) == set()
    assert known({"*-haiku-*": "grok-4.3-console"}) == {name for name in WELL_KNOWN if "haiku" in name}
    assert known({"claude-*": "grok-4.20-heavy"}) == set()


def test_one_name_is_shown_when_it_leads_to_what_can_be_served() -> None:
    names = naming(Standing("console"))
    assert names.one("claude-sonnet-4-5-20250929").name == "claude-sonnet-4-5-20250929"
    with pytest.raises(Refusal, match="No account can serve the model 'one'"):
        names.one("one")
    with pytest.raises(Refusal, match="does not exist"):
        names.one("nope")


@pytest.mark.parametrize(
    ("choice", "asked", "effort", "thinking", "given"),
    [
        (("low", True), None, "low", None, {"effort": "model.effort"}),
        (("low", False), None, "low", None, {}),
        (("none", True), None, "none", False, {"effort": "model.effort"}),
        (("low", True), "high", "high", None, {}),
        ((None, False), None, None, None, {}),
    ],
)
def test_an_effort_of_the_request_comes_before_that_of_the_name(
    choice: tuple[str | None, bool], asked: str | None, effort: str | None, thinking: bool | None, given: dict[str, str]
) -> None:
    told = with_effort(request(effort=asked), Choice(BY_NAME["grok-4.3-console"], *choice))
    assert (told.effort, told.thinking, told.given) == (effort, thinking, given)
