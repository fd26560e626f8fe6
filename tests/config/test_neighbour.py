"""The configuration of chenyme/grok2api: what is carried over, what is not, and that every reason is given."""

from pathlib import Path

import pytest

from grok2api.config.errors import SettingsError
from grok2api.config.neighbour import carried

GOLDEN = (Path(__file__).parents[1] / "golden" / "chenyme" / "config.toml").read_text()


def test_wishes_are_carried_over_and_defaults_are_not():
    assert carried(GOLDEN).settings == {
        "app.api_key": ("sk-MARKED-1", "sk-MARKED-2"),
        "features.temporary": False,
        "features.image_format": "base64",
        "features.custom_instruction": "Be brief.",
        "proxy.egress.mode": "single_proxy",
        "proxy.egress.proxy_url": "http://user:MARKED-3@127.0.0.1:3128",
        "retry.max_retries": 2,
        "account.refresh.enabled": False,
    }


def test_what_is_left_out_says_why():
    left = dict(carried(GOLDEN).left)
    assert set(left) >= {
        "features.dynamic_statsig",
        "proxy.clearance.mode",
        "proxy.clearance.browser",
        "proxy.clearance.flaresolverr_url",
        "account.storage",
        "account.redis.url",
        "account.selection.max_inflight",
        "voice.timeout",
        "asset.cleanup.enabled",
        "something.new",
    }
    assert "accounts import" in left["account.storage"]
    assert "your own browser" in left["proxy.clearance.mode"]
    assert left["something.new"] == "is not a setting here"
    assert "MARKED" not in "".join(left.values())


def test_browser_values_are_carried_over_when_they_were_the_operators_own():
    text = '[proxy.clearance]\nmode = "manual"\ncf_cookies = "cf_clearance=c"\nuser_agent = "UA"\n'
    assert carried(text).settings == {
        "proxy.clearance.mode": "manual",
        "proxy.clearance.cf_cookies": "cf_clearance=c",
        "proxy.clearance.user_agent": "UA",
    }


@pytest.mark.parametrize("text", ["= nonsense", "[a", '{"json": 1}'])
def test_a_file_that_is_no_toml_is_refused(text):
    with pytest.raises(SettingsError):
        carried(text)
