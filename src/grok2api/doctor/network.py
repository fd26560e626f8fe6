"""The way to the upstreams: can they be reached, do they let us in, and do the clocks agree?

Asks for nothing that needs an account: any answer of the host itself will do, whatever its status.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from grok2api import options
from grok2api.canonical.problem import Kind
from grok2api.config.settings import Settings
from grok2api.doctor.findings import Finding, Grade, fail, good, warn
from grok2api.upstreams.base import Http, HttpCall, TransportError
from grok2api.upstreams.refusals import classify

_TIMEOUT_SEC = 20.0
#: Proofs of possession carry the time; an upstream takes them a minute early or late at most.
_SKEW_FAIL_SEC = 30.0
_SKEW_WARN_SEC = 5.0

#: Without these nothing is answered; the others are for files and for official keys.
_NEEDED = ("grok.com", "console.x.ai")

_RENEW = (
    "copy the cookies and the User-Agent of your own browser session anew into proxy.clearance.cf_cookies and "
    "proxy.clearance.user_agent, with proxy.clearance.mode set to manual"
)


async def upstreams(http: Http, settings: Settings, now: Callable[[], float] = time.time) -> AsyncIterator[Finding]:
    """One finding for each upstream, and one for the clock when any of them told the time."""
    skews: list[float] = []
    headers = _headers(settings)
    for name, url in hosts(settings):
        finding, skew = await _knock(http, name, url, headers, now)
        lesser = finding.grade is Grade.FAIL and name not in _NEEDED
        yield warn(finding.subject, finding.seen, finding.mend) if lesser else finding
        if skew is not None:
            skews.append(skew)
    if skews:
        yield clock(min(skews, key=abs))


def hosts(settings: Settings) -> list[tuple[str, str]]:
    """The upstreams by name, each address once."""
    upstream = settings.upstream
    named = [
        ("grok.com", upstream.web.base_url),
        ("assets", upstream.web.assets_url),
        ("console.x.ai", upstream.console.base_url),
        ("api.x.ai", upstream.api.base_url),
    ]
    return [(name, url) for at, (name, url) in enumerate(named) if url not in [other for _, other in named[:at]]]


def _headers(settings: Settings) -> dict[str, str]:
    """What the operator's own browser session sends, where he gave it out."""
    browser = options.grok_web(settings)
    named = {"Accept": "*/*", "User-Agent": browser.user_agent, "Cookie": browser.cookies}
    return {name: value for name, value in named.items() if value}


async def _knock(
    http: Http, name: str, url: str, headers: Mapping[str, str], now: Callable[[], float]
) -> tuple[Finding, float | None]:
    subject = f"upstream {name}"
    call = HttpCall(method="GET", url=f"{url}/", headers=headers)
    began = now()
    try:
        async with asyncio.timeout(_TIMEOUT_SEC), http.send(call) as answer:
            body = await answer.head()
            ended = now()
            skew = _skew(answer.headers.get("date", ""), (began + ended) / 2)
            status, seen_headers = answer.status, answer.headers
    except TransportError as error:
        return fail(subject, error.problem.message, _way(url)), None
    except TimeoutError:
        return fail(subject, f"{urlsplit(url).hostname} did not answer within {_TIMEOUT_SEC:g} s", _way(url)), None
    if status in (403, 503) and classify(status, seen_headers, body, what=name).kind is Kind.CHALLENGE:
        return warn(subject, "answers with a challenge page", _RENEW), skew
    if status >= 500:
        return warn(subject, f"answers {status}: it has trouble of its own", "try again later"), skew
    return good(subject, f"answers in {1000 * (ended - began):.0f} ms"), skew


def _way(url: str) -> str:
    return f"see that this machine can reach {urlsplit(url).hostname}: name server, firewall, proxy.egress.*"


def _skew(date: str, local: float) -> float | None:
    """Seconds by which our clock is ahead of the upstream's."""
    try:
        return local - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def clock(skew: float) -> Finding:
    """What a difference of clocks means; the `Date` header tells whole seconds."""
    seen = f"this machine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    mend = "set it by NTP, for instance: timedatectl set-ntp true"
    if abs(skew) > _SKEW_FAIL_SEC:
        return fail("clock", seen, mend)
    if abs(skew) > _SKEW_WARN_SEC:
        return warn("clock", seen, mend)
    return good("clock", "agrees with the upstreams' to a few seconds")
