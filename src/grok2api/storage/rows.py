"""Accounts as rows and back. Pure, given the vault that seals the credential."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grok2api.accounts.model import Account, Kind, Rest, Source, State, Window
from grok2api.catalog import Tier
from grok2api.storage.secrets import Vault

Row = Mapping[str, Any]

_strikes = msgspec.json.Decoder(tuple[float, ...])
_tags = msgspec.json.Decoder(tuple[str, ...])


def runtime_row(account: Account) -> dict[str, Any]:
    """The columns that serving requests changes."""
    return {
        "tier": account.tier.value,
        "state": account.state.value,
        "state_reason": account.state_reason,
        "health": account.health,
        "strikes": _json(account.strikes),
        "use_count": account.use_count,
        "fail_count": account.fail_count,
        "last_used_at": account.last_used_at,
        "last_error": account.last_error,
        "last_error_at": account.last_error_at,
        "user_id": account.user_id,
    }


def whole_row(account: Account, vault: Vault) -> dict[str, Any]:
    """Every column of `accounts`."""
    return {
        "id": account.id,
        "fingerprint": vault.fingerprint(account.secret),
        "sealed": vault.seal(account.secret, account.id),
        "kind": account.kind.value,
        "tags": _json(account.tags),
        "created_at": account.created_at,
        "revision": account.revision,
        **runtime_row(account),
    }


def window_rows(account: Account) -> list[dict[str, Any]]:
    return [
        {"account_id": account.id, "mode": mode, **msgspec.structs.asdict(window), "source": window.source.value}
        for mode, window in account.windows.items()
    ]


def rest_rows(account: Account) -> list[dict[str, Any]]:
    return [
        {"account_id": account.id, "mode": mode, **msgspec.structs.asdict(rest)} for mode, rest in account.rests.items()
    ]


def account_from(row: Row, windows: Iterable[Row], rests: Iterable[Row], vault: Vault) -> Account:
    """The account of these rows. Raises `StoreError` when its credential cannot be opened."""
    return Account(
        id=row["id"],
        secret=vault.open(row["sealed"], row["id"]),
        kind=Kind(row["kind"]),
        tier=Tier(row["tier"]),
        state=State(row["state"]),
        state_reason=row["state_reason"],
        tags=_tags.decode(row["tags"]),
        windows={window["mode"]: _window(window) for window in windows},
        rests={rest["mode"]: _rest(rest) for rest in rests},
        health=row["health"],
        strikes=_strikes.decode(row["strikes"]),
        use_count=row["use_count"],
        fail_count=row["fail_count"],
        last_used_at=row["last_used_at"],
        last_error=row["last_error"],
        last_error_at=row["last_error_at"],
        created_at=row["created_at"],
        user_id=row["user_id"],
        revision=row["revision"],
    )


def _window(row: Row) -> Window:
    return Window(row["remaining"], row["total"], row["window_sec"], row["resets_at"], Source(row["source"]))


def _rest(row: Row) -> Rest:
    return Rest(row["until"], row["since"], row["probe_at"], row["count"], row["reason"])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
