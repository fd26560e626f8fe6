"""The adapter of account settings against the simulator, over both HTTP clients."""

from contextlib import asynccontextmanager

import pytest

from grok2api.accounts.model import Kind as AccountKind
from grok2api.accounts.model import State, new_account
from grok2api.accounts.switching import Switching
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import Tier
from grok2api.simulator.app import start
from grok2api.simulator.world import World
from grok2api.storage.opening import store_for
from grok2api.transport.egress import EgressOptions, TransportOptions
from grok2api.transport.http import AioHttp
from grok2api.transport.lean import LeanHttp
from grok2api.upstreams.base import Credential
from grok2api.upstreams.grok_web.account_settings import AccountSettings
from grok2api.upstreams.grok_web.options import WebOptions

WHO = Credential(account_id="acc_1", secret="demo-super-1")


@asynccontextmanager
async def reaching(client, timeout=5.0):
    running = await start(World())
    http = client(lambda: TransportOptions(egress=EgressOptions(), connect_timeout=5))
    await http.start()
    options = WebOptions(
        base_url=running.url, accounts_url=running.url, user_agent="Mozilla/5.0 (tests)", settings_timeout=timeout
    )
    try:
        yield running.world, AccountSettings(http, lambda: options, lambda: "00000000-0000-4000-8000-000000000000")
    finally:
        await http.close()
        await running.close()


@pytest.fixture(params=[LeanHttp, AioHttp], ids=lambda client: client.__name__)
async def reached(request):
    async with reaching(request.param) as parts:
        yield parts


async def test_the_switch_is_turned_on_and_off_as_a_browser_does_it(reached):
    world, settings = reached
    account = world.accounts["demo-super-1"]
    await settings.nsfw(WHO, True)
    assert (account.terms_accepted, account.nsfw) == (True, True)
    await settings.nsfw(WHO, False)
    assert account.nsfw is False
    assert [entry.endpoint for entry in world.journal.entries] == ["terms", "features", "features"]
    assert all(not entry.notes for entry in world.journal.entries)


@pytest.mark.parametrize("fault", ["grpc-headers", "grpc-silent", "grpc-text", "gzip", "split@3"])
async def test_success_is_understood_however_it_is_said(reached, fault):
    world, settings = reached
    world.on(endpoint="any", fault=fault)
    await settings.nsfw(WHO, True)
    assert world.accounts["demo-super-1"].nsfw is True


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("grpc-refuse", Kind.FORBIDDEN, "That setting cannot be changed [simulated 7]."),
        (["grpc-refuse=16", "grpc-headers"], Kind.UNAUTHORIZED, "[simulated 16]"),
        (["grpc-refuse=8", "grpc-text"], Kind.RATE_LIMITED, "[simulated 8]"),
        ("401", Kind.CREDENTIAL, "bad-credentials"),
        ("403-blocked", Kind.BLOCKED, "User is blocked"),
        ("403-challenge", Kind.CHALLENGE, "renew the cookies"),
        ("html", Kind.UPSTREAM, "does not understand"),
        ("cut@9", Kind.CUT, ""),
        ("cut@0", Kind.CUT, ""),
        ("eof@9", Kind.UPSTREAM, "ends inside a frame"),
    ],
)
async def test_a_refusal_says_why(reached, fault, kind, said):
    world, settings = reached
    world.on(endpoint="features", fault=fault)
    with pytest.raises(Refusal) as caught:
        await settings.nsfw(WHO, True)
    assert caught.value.problem.kind is kind
    assert said in caught.value.problem.message
    assert WHO.secret not in caught.value.problem.message


async def test_silence_is_a_timeout():
    async with reaching(LeanHttp, timeout=0.05) as (world, settings):
        world.on(endpoint="terms", fault="silent-head=30")
        with pytest.raises(Refusal) as caught:
            await settings.accept_terms(WHO)
        assert caught.value.problem.kind is Kind.TIMEOUT


async def test_a_batch_is_turned_tagged_and_written(tmp_path):
    tokens = ("demo-basic-1", "demo-basic-2", "demo-super-1")
    store = await store_for("", tmp_path, {})
    async with reaching(LeanHttp) as (world, settings):
        made = [new_account(f"acc_{token}", token, AccountKind.WEB, Tier.BASIC, 0.0) for token in tokens]
        await store.add(made)
        world.accounts["demo-basic-2"].state = "blocked"
        world.on(endpoint="features", account="demo-super-1", fault="grpc-refuse")
        known = {account.id: account for account in await store.load()}

        async def change(ident, how):
            await store.change([ident], how)
            return True

        switching = Switching(settings, known.get, change, lambda: 1_767_225_600.0)
        results = {item.account_id: item.body async for item in switching.many(known, True, 2)}
        accounts = {account.secret: account for account in await store.load()}
    await store.close()
    assert results["acc_demo-basic-1"] == {"success": True, "tagged": True}
    assert "User is blocked" in results["acc_demo-basic-2"]["error"]
    assert "That setting cannot be changed" in results["acc_demo-super-1"]["error"]
    assert [accounts[token].tags for token in tokens] == [("nsfw",), (), ()]
    assert [accounts[token].state for token in tokens] == [State.ACTIVE, State.DISABLED, State.ACTIVE]
    assert [world.accounts[token].nsfw for token in tokens] == [True, False, False]
