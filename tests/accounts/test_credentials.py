import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.accounts.credentials import CredentialError, clean, kind_of, mask
from grok2api.accounts.model import Kind

TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGci-OiJI.eyJzZXNzaW9uX2lk_Ij.sIg-9"

SPELLINGS = {
    "bare": TOKEN,
    "prefix": f"sso={TOKEN}",
    "both cookies": f"sso={TOKEN}; sso-rw={TOKEN}",
    "only the writing cookie": f"sso-rw={TOKEN}",
    "other cookies around it": f"cf_clearance=abc; sso={TOKEN}; theme=dark",
    "cookie header": f"Cookie: sso={TOKEN}",
    "quoted": f'"{TOKEN}"',
    "en dashes": TOKEN.replace("-", "\u2013"),
    "minus signs": TOKEN.replace("-", "\u2212"),
    "non-breaking hyphens": TOKEN.replace("-", "\u2011"),
    "spaces": f"  {TOKEN[:9]} {TOKEN[9:]}\u00a0\r\n",
    "zero-width space": f"{TOKEN[:5]}\u200b{TOKEN[5:]}",
    "byte order mark": f"\ufeff{TOKEN}",
}


@pytest.mark.parametrize("raw", list(SPELLINGS.values()), ids=list(SPELLINGS))
def test_P11_every_spelling_of_a_session_is_one_credential(raw: str) -> None:
    assert clean(raw) == TOKEN


@pytest.mark.parametrize(
    "raw",
    ["", "   ", "sso=", "theme=dark; other=1", "x" * 5000, "to\x00,ken", "a;b", '"'],
)
def test_what_is_no_credential_is_refused_without_being_repeated(raw: str) -> None:
    with pytest.raises(CredentialError) as error:
        clean(raw)
    assert not raw.strip() or raw.strip() == '"' or raw not in str(error.value)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    try:
        once = clean(raw)
    except CredentialError:
        return
    if not once.startswith(("sso=", "sso-rw=", "cookie:", "bearer")):
        assert clean(once) == once


def test_official_keys_are_told_by_their_prefix() -> None:
    assert kind_of(clean("Bearer xai-0123456789")) is Kind.API
    assert kind_of(TOKEN) is Kind.WEB


def test_a_mask_shows_the_ends_of_long_credentials_only() -> None:
    assert mask("abcdefgh-the-middle-stays-hidden-12345678") == "abcdefgh...12345678"
    assert mask("short") == "***"
