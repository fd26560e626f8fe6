"""Settings become each part's own options, and are made anew only when they change."""

from pathlib import Path

from grok2api import options
from grok2api.catalog import Tier
from grok2api.config.load import load


def test_the_pool_is_told_what_the_settings_say(tmp_path: Path) -> None:
    given = {
        "account.selection.prefer_tags": {"grok-4.20-*": "vip", "*": "vip"},
        "account.refresh.basic_interval_sec": 99,
    }
    made = options.pool(load(None, tmp_path, given, {}))
    assert made.preferred_tags == {"vip"}
    assert made.tier_rest_sec == {Tier.BASIC: 99, Tier.SUPER: 7200, Tier.HEAVY: 7200}


def test_options_are_made_anew_only_when_the_settings_are_others(tmp_path: Path) -> None:
    settings = [load(None, tmp_path, {}, {})]
    pool = options.kept(options.pool, lambda: settings[-1])
    first = pool()
    assert pool() is first
    settings.append(load(None, tmp_path, {"account.selection.max_inflight": 3}, {}))
    assert (pool().max_inflight, pool() is pool()) == (3, True)
