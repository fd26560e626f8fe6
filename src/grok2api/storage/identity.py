"""Which account a credential or a user belongs to, asked of the database for some at a time (P11).

An account that was removed gives its credential up to one that takes it: its row then keeps it sealed, so that its
removal can still be undone, but is no longer found by it.
"""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, select

from grok2api.accounts.model import Account
from grok2api.storage.reading import chunks
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import accounts
from grok2api.storage.writing import update_rows

#: How the fingerprint of an account begins that gave its credential up.
GIVEN_UP = "gave up "


class Owner(msgspec.Struct, frozen=True):
    """Who has a credential or is a user."""

    id: str
    there: bool


def keys_of(account: Account, vault: Vault) -> tuple[str, ...]:
    """What an account is recognised by: its credential's fingerprint and its user."""
    fingerprint = vault.fingerprint(account.secret)
    return (fingerprint,) if account.user_id is None else (fingerprint, account.user_id)


def owners(connection: Connection, keys: Iterable[str]) -> dict[str, Owner]:
    """The owner of each of these keys that has one; one that is there comes before one that was removed."""
    columns = (accounts.c.id, accounts.c.fingerprint, accounts.c.user_id, accounts.c.deleted_at)
    found: dict[str, Owner] = {}
    for some in chunks(keys):
        for column in (accounts.c.fingerprint, accounts.c.user_id):
            for row in connection.execute(select(*columns).where(column.in_(some))):
                for key in (row.fingerprint, row.user_id):
                    if key is not None and (key not in found or not found[key].there):
                        found[key] = Owner(row.id, row.deleted_at == 0)
    return found


def claim(connection: Connection, wanted: Mapping[str, str]) -> dict[str, str]:
    """Let accounts have credentials, given as account id by fingerprint.

    Returns the id of the account that is in the way, by the id of the one that wanted it; what was removed is not.
    """
    taken: dict[str, str] = {}
    gone: list[str] = []
    for fingerprint, owner in owners(connection, wanted).items():
        ident = wanted.get(fingerprint, owner.id)
        if ident == owner.id:
            continue
        if owner.there:
            taken[ident] = owner.id
        else:
            gone.append(owner.id)
    update_rows(connection, [{"id": ident, "fingerprint": f"{GIVEN_UP}{ident}"} for ident in gone])
    return taken
