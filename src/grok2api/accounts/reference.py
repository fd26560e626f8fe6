"""The page docs/accounts-lifecycle.md, drawn from the tables of `lifecycle`: `python -m grok2api.accounts.reference`.

Pure. The state diagram and the table of outcomes are made from TRANSITIONS and OUTCOMES, so
that they cannot say anything else than what happens; a test compares the page with what is in `docs/`.
"""

import sys
from collections.abc import Callable, Iterable, Mapping

from grok2api.accounts.lifecycle import HEAL, LATELY_SEC, OUTCOMES, QUESTIONED, TRANSITIONS, Next, Outcome
from grok2api.accounts.model import State
from grok2api.accounts.resting import Policy
from grok2api.pages import NOTE, write

#: What changes a state besides the outcome of an attempt: (from, to, by what).
OTHER_EDGES: tuple[tuple[State, State, str], ...] = (
    (State.SUSPECT, State.ACTIVE, "fresh quota"),
    (State.EXPIRED, State.ACTIVE, "fresh quota by hand"),
    *((state, State.ACTIVE, "the operator") for state in State if state is not State.ACTIVE),
    *((state, State.DISABLED, "the operator") for state in State if state is not State.DISABLED),
)

_PAGE = """{note}

# How accounts live

An account has a *state*, which says whether it may work at all; a *window* for each mode, which says how much quota
is left; and *rests*, which say what is left alone for a while. A resting account is still active: its other modes
serve.

`grok2api accounts show ID` tells all of this for one account. Each line of the request log says why its account was
chosen and how the others stood.

## States

{diagram}

* *Active* serves.
* *Suspect* had one bare 401. One attempt at a time finds out; a second bare 401 expires it, anything that works
  makes it active. Bare 401s of attempts that ran side by side are one.
* *Expired* means that the upstream no longer takes the credential. Replace it, or enable the account.
* *Disabled* is by the operator, or because the upstream blocked the account by name, or because it refused
  {strikes} times without an explanation. `state_reason` says which.

Expired and disabled accounts stay so until the operator acts. Some programs expire a console account after a few
rate limits and bring it back by a timer; here a rate limit never expires anything, so there is nothing to bring
back.

## What an attempt does to its account

Whose fault a failure was decides everything. The outcome of an attempt follows from its [problem](errors.md):

{outcomes}

Health is a number from 0.05 to 1. Failures multiply it, a success adds {heal}. Under the `quota` strategy an
account in ill health is chosen less; half of the ill is forgotten every five minutes.

A demand of console.x.ai for a proof of possession is nobody's fault, whatever its problem.

## What a question about quota does

Quotas are asked about apart from requests ([pools and quotas](quotas.md)). An answer ends doubts, strikes and the
mode's rest, as far as they are older than the question; none left rests the mode. A question that fails says
nothing about the account, except for these:

{questions}

A bare 401 to a question counts only when the account has not answered within the last {lately}, and questions alone
never expire an account.

## Rests

A rest belongs to one mode of one account. Only a limit that names the account rests all modes.

A rate limit rests its mode

1. as long as the upstream asked: by `Retry-After`, by "resets in: 1h 2m", or by the rate that it names, 60 seconds
   for one per minute. A limit per second is over in 2 seconds, whatever else the text speaks of;
2. else, under `quota`, until the mode's window resets, if that is known;
3. else, under `random`, which knows no quota, for the interval of the account's tier
   (`account.refresh.basic_interval_sec`, `account.refresh.super_interval_sec`,
   `account.refresh.heavy_interval_sec`);
4. else 15 minutes, then 30, then an hour, and so on for limits in a row. A success ends the row. A rest is
   remembered after its end for as long as it lasted: what comes later begins a new row.

Nothing rests longer than `account.max_rest_sec`. A rest longer than `account.probe_interval_sec` is *probed*: at
most once in that time one attempt tries whether it is over. Probes are made when nobody else can serve, and else
for one request in twenty. There is never more than one probe of a mode in flight. A probe that succeeds ends the
rest; so does any other success, and fresh quota. A mode that was refused in plain words is probed every six hours,
an account without credits every hour.

```mermaid
stateDiagram-v2
    state "can serve" as ready
    state "rests" as resting
    state "a probe is out" as probing
    [*] --> ready
    ready --> resting: a limit, or the window is used up
    resting --> ready: time is over, or fresh quota
    resting --> probing: the probe is due
    probing --> ready: it succeeded
    probing --> resting: it did not
```

## Strikes

A 403 that nobody can explain is a strike. Refusals within a minute of each other are one strike, so that a burst of
parallel requests disables nobody. Any success, and fresh quota, clears all strikes.

## The way there

A challenge page, an anti-bot rule and a connection that nobody answers are faults of the way out, not of the
account. They are counted for each way (direct, or each proxy) and each upstream, with words for the operator; the
first answer of the upstream itself clears them. No account is touched, and a challenge is not tried with another
account: that would not help. The operator renews the values of his own browser session
(`proxy.clearance.cf_cookies`, `proxy.clearance.user_agent`).

## Choosing

The modes of a request are tried in order: `auto` may fall back to `fast` and `expert`. In each of them it is

1. the account that the conversation used last, if it can serve now;
2. else one of the lowest tier that may serve the model and can, or of the highest for models that are marked *best
   first*. In that tier it is one with the tag that `account.selection.prefer_tags` names for the model, if any of
   those can serve now, and else any that can.

Neither the conversation nor the tag ever waits. Under `quota` the cheapest is taken: 20 for each attempt under way,
up to 50 for the part of the quota that is gone, up to 100 for ill health. Under `random` it is the least recently
used of a few at random. Of more than sixteen accounts a sample is compared, so that choosing costs the same among
ten and among a hundred thousand. No account has more than `account.selection.max_inflight` attempts at once.

If none can serve, the answer is 429. It counts the accounts by reason, and its `Retry-After` is the earliest
recovery.

## All requests together

* Second attempts stay below `retry.budget_percent` of requests, counted over ten seconds; five are always allowed.
* When nearly all calls of a mode are answered by a limit, more than twenty in five seconds, whichever account asks,
  most calls of that mode are held back and answered by 429 with a short `Retry-After`. A few go out, and as soon as
  they are answered all do. The accounts that were spared are still there when the storm is over."""


def page() -> str:
    """The whole page."""
    filled = {
        "{note}": NOTE,
        "{diagram}": diagram(),
        "{outcomes}": outcomes(),
        "{questions}": questions(),
        "{lately}": f"{LATELY_SEC / 60:.0f} minutes",
        "{strikes}": str(Policy().strikes),
        "{heal}": f"{HEAL:g}",
    }
    text = _PAGE
    for hole, value in filled.items():
        text = text.replace(hole, value)
    return text


def diagram() -> str:
    """The states and what leads from one to another, as a Mermaid diagram."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.ACTIVE}"]
    for (before, after), words in edges().items():
        lines.append(f"    {before} --> {after}: {', '.join(words)}")
    return "\n".join([*lines, "```"])


def edges() -> Mapping[tuple[State, State], list[str]]:
    """What leads from a state to another one."""
    found: dict[tuple[State, State], list[str]] = {}
    for (state, outcome), step in TRANSITIONS.items():
        if step.to is not state:
            found.setdefault((state, step.to), []).append(outcome.value)
        if step.strike:
            found.setdefault((state, State.DISABLED), []).append(f"{outcome.value} {Policy().strikes} times")
    for before, after, words in OTHER_EDGES:
        found.setdefault((before, after), []).append(words)
    return found


def outcomes() -> str:
    """Outcome by outcome: which problems lead to it, and what it does to an account that serves."""
    lines = ["| outcome | problems | what becomes of the account | health |", "|---|---|---|---|"]
    for outcome in Outcome:
        step = TRANSITIONS[State.ACTIVE, outcome]
        lines.append(
            f"| `{outcome}` | {_problems(outcome)} | {'; '.join(_becomes(step)) or 'nothing'} | {_health(step)} |"
        )
    return "\n".join(lines)


def questions() -> str:
    """What the upstream may say instead of a quota that says something about the account, state by state."""
    lines = ["| problem | account is | it becomes |", "|---|---|---|"]
    for (state, outcome), step in QUESTIONED.items():
        lines.append(f"| {_problems(outcome)} | {state} | {step.to}: {step.reason} |")
    return "\n".join(lines)


def _problems(outcome: Outcome) -> str:
    kinds = [f"`{kind}`" for kind, known in OUTCOMES.items() if known is outcome]
    none = {Outcome.OK: "none: it succeeded", Outcome.CANCELLED: "none: the client left"}
    return ", ".join(kinds) or none[outcome]


def _becomes(step: Next) -> Iterable[str]:
    if step.to is not State.ACTIVE:
        yield f"{step.to}: {step.reason}"
    if step.verify:
        yield "its quota is asked for, to see whether the session lives"
    if step.spends:
        yield "one call of the mode's window is spent"
    if step.heals:
        yield "rests of the mode and of the account, strikes and doubts end"
    if step.pause is not None:
        yield _rests(step)
    if step.strike:
        yield "a strike"


def _rests(step: Next) -> str:
    pause = step.pause
    assert pause is not None, "asked only of a step that rests something"
    what = "the whole account rests" if pause.whole else "the mode rests"
    if pause.length is None:
        return what
    emptied = ", its window counts as 0 of 0" if pause.empties else ""
    return f"{what} for {pause.length / 3600:g} hours{emptied}"


def _health(step: Next) -> str:
    if step.heals:
        return f"+{HEAL:g}"
    return "" if step.health == 1.0 else f"×{step.health:g}"


PAGES: Mapping[str, Callable[[], str]] = {"accounts-lifecycle.md": page}


if __name__ == "__main__":
    sys.exit(write(PAGES))
