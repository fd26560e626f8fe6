"""A change of the settings is all or nothing."""

import pytest

from grok2api.config.live import Live
from grok2api.config.settings import Settings
from grok2api.config.table import build


def test_subscribers_are_told_and_the_change_is_in_force():
    live, told = Live(Settings()), []
    end = live.subscribe(told.append)
    new = build({"stream.keepalive_sec": 3.0})
    assert live.replace(new) == ()
    assert live.current is new
    assert told == [new]
    end()
    live.replace(Settings())
    assert told == [new]


def test_O2_when_one_objects_everything_is_put_back():
    old, new, told = Settings(), build({"stream.keepalive_sec": 3.0}), []

    def object_to(settings: Settings) -> None:
        if settings is new:
            raise ValueError("stream.keepalive_sec")

    live = Live(old)
    live.subscribe(told.append)
    live.subscribe(object_to)
    with pytest.raises(ValueError, match="keepalive"):
        live.replace(new)
    assert live.current is old
    assert told == [new, old]


def test_keys_that_wait_for_the_next_start_are_named():
    assert Live(Settings()).replace(build({"server.port": 9, "features.stream": False})) == ("server.port",)
