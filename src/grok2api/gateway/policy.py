"""When another account may be tried, and how long to wait.

Pure. The rule of the product: retries happen on the statuses of `retry.on_codes`, on a credential that
died, and on failures where nobody has answered; never after the client has seen output. A stream that
broke half-way is not repeated (S4).
"""

from collections.abc import Mapping

import msgspec

from grok2api.canonical.problem import Kind, Problem


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one answer. Times are in seconds.

    accounts: how many accounts may be tried, the first included.
    first_token: silence allowed before the first output of an attempt (F of S7).
    idle: silence allowed after it. deadline: for the whole request.
    retry_share: second attempts of all requests together, as a share of them (P10).
    """

    accounts: int = 2
    retry_on: frozenset[int] = frozenset({429, 401, 503})
    first_token: float = 60.0
    idle: float = 120.0
    deadline: float = 600.0
    retry_share: float = 0.2


#: What a failure counts as when the upstream said it inside a 200, where there is no status.
_STATUS: Mapping[Kind, int] = {
    Kind.RATE_LIMITED: 429,
    Kind.ACCOUNT_LIMITED: 429,
    Kind.UNAUTHORIZED: 401,
    Kind.UPSTREAM_DOWN: 503,
}

#: Failures that say nothing about the request, so that another account may do better whatever `retry.on_codes` says.
_ELSEWHERE = frozenset(
    {
        Kind.CREDENTIAL,
        Kind.BLOCKED,
        Kind.FORBIDDEN,
        Kind.MODE_REFUSED,
        Kind.OUT_OF_CREDITS,
        Kind.UNREACHABLE,
        Kind.TIMEOUT,
        Kind.EMPTY,
    }
)

#: Failures of one mode of an account: where others will do (`auto`), the same account may serve in those.
OF_ONE_MODE = frozenset({Kind.RATE_LIMITED, Kind.MODE_REFUSED})

#: Failures of the model, not of the account: the same question is put once more, with a correction.
REASK = frozenset({Kind.CALL_MISSING, Kind.CALL_BROKEN, Kind.FORMAT_BROKEN})


def may_retry(problem: Problem, policy: Policy, tried: int) -> bool:
    """Whether another account is worth a try after this failure, `tried` accounts having been asked."""
    if tried >= policy.accounts:
        return False
    kind = problem.kind
    if kind in _ELSEWHERE:
        return True
    if kind is Kind.UPSTREAM:
        return problem.upstream_status is None or problem.upstream_status in policy.retry_on
    if kind in _STATUS:
        status = problem.upstream_status
        return (status if status not in (None, 200) else _STATUS[kind]) in policy.retry_on
    return False
