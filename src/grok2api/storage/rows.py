"""Accounts as rows and back. Pure, given the vault that seals the credential."""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.accounts.model import Account, Kind, Rest, State, Window
from grok2api.accounts.query import cooling_until
from grok2api.accounts.tags import tidy
from grok2api.catalog import Tier
from grok2api.storage.secrets import Vault

#: Between the words of `searched`. Nobody types it.
SEPARATOR = "\x1f"

#: Longer ones are not those of any upstream.
_USER_ID = 64

_LARGEST = 2**63 - 1

_strikes = msgspec.json.Decoder(tuple[float, ...])


def stored(account: Account, revision: int) -> Account:
    """The account as the store will have it after an administrative write."""
    return msgspec.structs.replace(account, revision=revision, tags=tidy(account.tags))


def runtime_row(account: Account) -> dict[str, Any]:
    """The columns that serving requests changes, apart from its counters: those are added to."""
    return {
        "tier": account.tier.value,
        "state": account.state.value,
        "state_reason": text(account.state_reason),
        "health": account.health,
        "strikes": msgspec.json.encode(account.strikes).decode(),
        "last_used_at": account.last_used_at,
        "last_error": text(account.last_error),
        "last_error_at": account.last_error_at,
        "user_id": user_id(account),
        "cooling_until": cooling_until(account),
        "searched": folded(account),
    }


def whole_row(account: Account, vault: Vault) -> dict[str, Any]:
    """Every column of `accounts`, for one that is there."""
    return {
        "id": account.id,
        "fingerprint": vault.fingerprint(account.secret),
        "sealed": vault.seal(account.secret, account.id),
        "kind": account.kind.value,
        "created_at": account.created_at,
        "revision": account.revision,
        "deleted_at": 0.0,
        "use_count": account.use_count,
        "fail_count": account.fail_count,
        **runtime_row(account),
    }


def tag_rows(account: Account) -> list[dict[str, Any]]:
    return [{"account_id": account.id, "tag": tag, "place": place} for place, tag in enumerate(account.tags)]


def window_rows(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "account_id": account.id,
            "mode": mode,
            "remaining": whole_number(window.remaining),
            "total": whole_number(window.total),
            "window_sec": whole_number(window.window_sec),
            "resets_at": window.resets_at,
            "source": window.source.value,
        }
        for mode, window in account.windows.items()
    ]


def rest_rows(account: Account) -> list[dict[str, Any]]:
    return [
        {"account_id": account.id, "mode": mode, **msgspec.structs.asdict(rest), "reason": text(rest.reason)}
        for mode, rest in account.rests.items()
    ]


def account_from(
    row: Any, tags: tuple[str, ...], windows: Mapping[str, Window], rests: Mapping[str, Rest], vault: Vault
) -> Account:
    """The account of these rows. Raises `StoreError` when its credential cannot be opened."""
    return Account(
        id=row.id,
        secret=vault.open(row.sealed, row.id),
        kind=Kind(row.kind),
        tier=Tier(row.tier),
        state=State(row.state),
        state_reason=row.state_reason,
        tags=tags,
        windows=windows,
        rests=rests,
        health=row.health,
        strikes=_strikes.decode(row.strikes),
        use_count=row.use_count,
        fail_count=row.fail_count,
        last_used_at=row.last_used_at,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
        created_at=row.created_at,
        user_id=row.user_id,
        revision=row.revision,
    )


def folded(account: Account) -> str:
    """What `query.Filter` searches, in one case of letters."""
    words = (account.id, account.user_id or "", account.state_reason, account.last_error, *account.tags)
    return text(SEPARATOR.join(words)).casefold()


def user_id(account: Account) -> str | None:
    return None if account.user_id is None else text(account.user_id)[:_USER_ID]


def whole_number(value: int) -> int:
    """`value`, or the nearest number that a database can hold: upstreams may say anything."""
    return max(-_LARGEST, min(value, _LARGEST))


def text(words: str) -> str:
    """`words` without what a database cannot hold: NUL, and halves of characters."""
    return words.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
