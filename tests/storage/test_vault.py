from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.storage.errors import StoreError
from grok2api.storage.keys import load_key
from grok2api.storage.secrets import Vault

KEY = bytes(range(32))


@settings(deadline=None)
@given(st.text(), st.text())
def test_what_is_sealed_opens_again_and_never_looks_the_same(secret: str, ident: str) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(secret, ident)
    assert vault.open(sealed, ident) == secret
    assert vault.seal(secret, ident) != sealed


def test_a_sealed_credential_opens_for_its_account_and_key_only() -> None:
    sealed = Vault(KEY).seal("secret-words", "acc_1")
    for vault, ident, data in (
        (Vault(KEY), "acc_2", sealed),
        (Vault(bytes(32)), "acc_1", sealed),
        (Vault(KEY), "acc_1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (Vault(KEY), "acc_1", sealed[:5]),
    ):
        with pytest.raises(StoreError) as error:
            vault.open(data, ident)
        assert "secret-words" not in str(error.value)


def test_fingerprints_are_equal_for_equal_texts_under_one_key_only() -> None:
    assert Vault(KEY).fingerprint("a") == Vault(KEY).fingerprint("a")
    assert Vault(KEY).fingerprint("a") != Vault(KEY).fingerprint("b")
    assert Vault(KEY).fingerprint("a") != Vault(bytes(32)).fingerprint("a")


def test_the_key_file_is_made_once_and_read_ever_after(tmp_path: Path) -> None:
    first = load_key(tmp_path, {}, may_create=True)
    assert load_key(tmp_path, {}, may_create=True) == first
    assert load_key(tmp_path, {}, may_create=False) == first
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert repr(Vault(first)) == "Vault()"
