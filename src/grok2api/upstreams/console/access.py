"""How each account proves itself to console.x.ai: a bearer, or DPoP with a key and a token of its own.

Keeps, for each account and as long as the process lives, what was learned about it: whether DPoP was demanded, the
key, the token, and whether server searches are refused. Never fetches two tokens for one account at once. That proofs
are demanded, or a token has run out, is no fault of the account and is not reported as one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import msgspec

from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.base import Credential, Http
from grok2api.upstreams.console.call import token_call
from grok2api.upstreams.console.dpop import ProofKey, Token, read_token
from grok2api.upstreams.console.options import ConsoleOptions
from grok2api.upstreams.refusals import DPOP_REQUIRED, classify

WHAT = "console.x.ai"

_BEARER = {"Authorization": "Bearer anonymous"}
_GRANT_BYTES = 65_536
_MOST_ACCOUNTS = 20_000
#: A difference of clocks below this is the resolution of the `Date` header and the way of the answer.
_SAME_TIME_SEC = 2.0
_NOT_GRANTED = (Kind.NOT_FOUND, Kind.UPSTREAM_INVALID, Kind.UPSTREAM, Kind.TOO_LARGE)


class AccountState:
    """What is known of one account in this process."""

    __slots__ = ("demands_proof", "fetching", "key", "no_search_until", "token")

    def __init__(self) -> None:
        self.demands_proof = False
        self.no_search_until = 0.0
        self.key: ProofKey | None = None
        self.token: Token | None = None
        self.fetching = asyncio.Lock()


class Access:
    """Authorization headers for accounts. `now` in seconds; `new_id` makes the ids of proofs."""

    def __init__(self, http: Http, now: Callable[[], float], new_id: Callable[[], str]) -> None:
        self._http = http
        self._now = now
        self._new_id = new_id
        self._skew = 0.0
        self._states: OrderedDict[str, AccountState] = OrderedDict()

    def state(self, account_id: str) -> AccountState:
        """What is known of the account; the least recently used is forgotten when there are too many."""
        state = self._states.get(account_id)
        if state is None:
            state = self._states[account_id] = AccountState()
            if len(self._states) > _MOST_ACCOUNTS:
                self._states.popitem(last=False)
        else:
            self._states.move_to_end(account_id)
        return state

    def uses_proof(self, account_id: str, options: ConsoleOptions) -> bool:
        """Whether the account's next call will carry a proof."""
        return options.auth == "dpop" or (options.auth == "auto" and self.state(account_id).demands_proof)

    async def authorize(
        self, credential: Credential, options: ConsoleOptions, method: str, url: str
    ) -> Mapping[str, str] | Problem:
        """The headers that authorize one call, or why there are none. Raises `TransportError` and `Refusal`."""
        if not self.uses_proof(credential.account_id, options):
            return _BEARER
        state = self.state(credential.account_id)
        async with state.fetching:
            if state.token is None or not state.token.is_fresh(self._now()):
                fetched = await self._fetch(state, credential, options)
                if isinstance(fetched, Problem):
                    return fetched
                state.token = fetched
            token, key = state.token.value, self._key(state)
        proof = key.proof(
            method=method,
            url=url,
            token=token,
            jti=self._new_id(),
            issued_at=int(self._now() + self._skew),
        )
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def mends(
        self,
        problem: Problem,
        account_id: str,
        headers: Mapping[str, str],
        options: ConsoleOptions,
        *,
        may_renew: bool,
    ) -> bool:
        """Whether a call refused like this is worth another at once, by the same account: the first with a proof, or,
        if it `may_renew`, one with a new token. `headers` authorized the call that was refused."""
        proved = "DPoP" in headers
        if problem.code == DPOP_REQUIRED and not proved:
            self.state(account_id).demands_proof = True
            return self.uses_proof(account_id, options)
        if proved and may_renew and (problem.code == DPOP_REQUIRED or problem.upstream_status == 401):
            self._reject(account_id, headers)
            return True
        return False

    def _reject(self, account_id: str, headers: Mapping[str, str]) -> None:
        """The upstream did not accept this authorization: the next call gets a new token."""
        state = self.state(account_id)
        if state.token is not None and headers.get("Authorization") == f"DPoP {state.token.value}":
            state.token = None

    def read_clock(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer how far the upstream's clock is from ours."""
        try:
            theirs = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except (TypeError, ValueError, OverflowError):
            return
        skew = theirs - self._now()
        self._skew = skew if abs(skew) > _SAME_TIME_SEC else 0.0

    async def _fetch(self, state: AccountState, credential: Credential, options: ConsoleOptions) -> Token | Problem:
        async with self._http.send(token_call(self._key(state).jwk, credential, options)) as answer:
            self.read_clock(answer.headers)
            body = await answer.head(_GRANT_BYTES)
            if answer.status == 200:
                return read_token(body, self._now()) or _no_grant(200, body)
            problem = classify(answer.status, answer.headers, body, what=WHAT)
            return _no_grant(answer.status, body) if problem.kind in _NOT_GRANTED else problem

    def _key(self, state: AccountState) -> ProofKey:
        if state.key is None:
            state.key = ProofKey()
        return state.key


def _no_grant(status: int, body: bytes) -> Problem:
    problem = Problem(
        kind=Kind.UPSTREAM,
        message=f"{WHAT} demands a proof of possession but gives no token for it",
        code="dpop_token_refused",
        upstream_status=status,
    )
    return msgspec.structs.replace(problem, evidence=b"" if status == 200 else body[:400])
