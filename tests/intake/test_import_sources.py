"""Sources by name: real SQLite files, real servers with names of their own, and one line when one cannot be read."""

import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from sqlalchemy import create_engine, text

from grok2api.accounts.importing import Entry, Form, Reading
from grok2api.catalog import Tier
from grok2api.intake.errors import SourceError, shown
from grok2api.intake.sources import READERS, entries
from neighbourhood import GOLDEN, V1, V2, fill_v1, fill_v1_document, fill_v2, v2_hash

NOW = 1_767_225_600.0
READING = Reading(now=NOW)

#: The entries of the golden file itself: what every store that holds the same must give.
WANTED = {entry.secret or entry.error: entry for entry in entries(str(GOLDEN / "v2_accounts.json"), READING)}


def same(one: Entry, other: Entry) -> bool:
    return (one.tier, one.tags, one.past, one.gone) == (other.tier, other.tags, other.past, other.gone)


def holds(found: list[Entry]) -> None:
    got = {entry.secret or entry.error: entry for entry in found}
    assert got.keys() == WANTED.keys()
    assert [key for key in got if not same(got[key], WANTED[key])] == []


def v1_tokens(found: list[Entry]) -> dict[str, Tier]:
    assert [entry.error for entry in found if entry.error] == []
    return {entry.secret: entry.tier for entry in found}


V1_TOKENS = {
    "v1-basic-0001": Tier.BASIC,
    "v1-expired-0002": Tier.BASIC,
    "v1-cooling-0003": Tier.SUPER,
    "v1-bare-0004": Tier.SUPER,
}


@pytest.fixture
def sqlite_file(tmp_path):
    return tmp_path / "accounts of mine?.db"


def filled(path: Path, *fillings, **options) -> Path:
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path))
    for fill in fillings:
        fill(engine, **options)
    engine.dispose()
    return path


def test_a_database_file_is_known_by_its_first_bytes(sqlite_file):
    filled(sqlite_file, fill_v2)
    holds(list(entries(str(sqlite_file), READING)))
    before = sqlite_file.read_bytes()
    plain = sqlite_file.rename(sqlite_file.with_name("plain.db"))
    holds(list(entries(f"sqlite:///{plain}", READING)))
    sqlite_file = plain
    assert sqlite_file.read_bytes() == before


def test_a_database_of_an_early_version_2_lacks_a_column(sqlite_file):
    filled(sqlite_file, fill_v2, without=("quota_grok_4_3",))
    holds(list(entries(str(sqlite_file), READING)))


def test_a_database_that_another_program_has_open_is_read(sqlite_file):
    filled(sqlite_file, fill_v2)
    with sqlite3.connect(sqlite_file) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("UPDATE accounts SET pool = 'heavy' WHERE token = 'v2-disabled-0004'")
        other.commit()
        found = {entry.secret: entry for entry in entries(str(sqlite_file), READING)}
        assert found["v2-disabled-0004"].tier is Tier.HEAVY
    other.close()


@pytest.mark.parametrize("fill", [fill_v1, fill_v1_document])
def test_the_older_tables_are_read(sqlite_file, fill):
    assert v1_tokens(list(entries(str(filled(sqlite_file, fill)), READING))) == V1_TOKENS


@pytest.fixture(params=["postgresql", "mysql"])
def server(request):
    """The URL of a database of our own on a local server."""
    name = f"g2a_intake_{uuid4().hex[:12]}"
    admin = {
        "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/test",
        "mysql": "mysql+pymysql://root@127.0.0.1:3306/test",
    }[request.param]
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield admin.replace("/test", f"/{name}")
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        engine.dispose()


@pytest.mark.parametrize("fill", [fill_v2, fill_v1, fill_v1_document])
def test_accounts_on_a_server_are_those_of_the_file(server, fill):
    engine = create_engine(server)
    fill(engine)
    engine.dispose()
    plain = server.replace("+psycopg", "").replace("+pymysql", "")
    foreign = plain.replace("postgresql:", "postgresql+asyncpg:").replace("mysql:", "mysql+aiomysql:")
    for url in (plain, foreign):
        found = list(entries(url, READING))
        if fill is fill_v2:
            holds(found)
        else:
            assert v1_tokens(found) == V1_TOKENS
    assert list(entries(server.replace("mysql", "mariadb"), READING))


@pytest.fixture
def redis_url():
    """An empty database of the local Redis, marked as taken; what was put there is removed again."""
    for number in range(15, 5, -1):
        client = redis.Redis(db=number)
        if client.set("g2a-intake-tests", "1", nx=True, ex=60):
            if client.dbsize() == 1:
                break
            client.delete("g2a-intake-tests")
    else:
        pytest.fail("no empty database in the local Redis")
    try:
        yield f"redis://127.0.0.1:6379/{number}"
    finally:
        for pattern in ("accounts:*", "grok2api:*", "g2a-intake-tests"):
            for key in client.scan_iter(pattern, count=1000):
                client.delete(key)
        client.close()


def test_accounts_in_redis_are_those_of_the_file(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.set("accounts:rev", "6")
        for record in V2:
            fields = {name: value for name, value in v2_hash(record).items() if name != "quota_grok_4_3"}
            client.hset(f"accounts:record:{record['token']}", mapping=fields)
            client.sadd(f"accounts:pool:{record['pool']}", record["token"])
    holds(list(entries(redis_url, READING)))
    holds(list(entries(redis_url.replace("redis:", "valkey:"), READING)))


def test_the_older_keys_of_redis_are_read(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        for pool, records in V1.items():
            client.sadd("grok2api:pools", pool)
            for record in records:
                known = {"token": record} if isinstance(record, str) else record
                token = known["token"].removeprefix("sso=")
                client.sadd(f"grok2api:pool:{pool}", token)
                fields = {name: str(value) for name, value in known.items() if name != "tags"}
                client.hset(f"grok2api:token:{token}", mapping={**fields, "tags": '["a"]'})
    assert v1_tokens(list(entries(redis_url, READING))) == V1_TOKENS


def test_many_keys_are_fetched_in_batches(redis_url):
    with redis.Redis.from_url(redis_url) as client, client.pipeline() as pipe:
        for number in range(1_700):
            pipe.hset(f"accounts:record:session-{number}", mapping={"pool": "basic", "status": "active"})
        pipe.execute()
    found = list(entries(redis_url, READING))
    assert len({entry.secret for entry in found}) == len(found) == 1_700


def test_a_file_of_any_form_and_standard_input(tmp_path, monkeypatch):
    file = tmp_path / "accounts"
    file.write_text("token;pool\na-session;super\n")
    assert [(entry.secret, entry.tier) for entry in entries(str(file), READING)] == [("a-session", Tier.SUPER)]
    assert next(entry.secret for entry in entries(str(file), READING, Form.TEXT)) == ""
    with file.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert [entry.secret for entry in entries("-", READING)] == ["a-session"]


def own_store(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE accounts (id TEXT, sealed BLOB)")
    connection.close()
    return path


def empty_database(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (id TEXT)")
    connection.close()
    return path


def damaged(path: Path) -> Path:
    path.write_bytes(b"SQLite format 3\x00" + b"nonsense" * 200)
    return path


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (own_store, "accounts export"),
        (empty_database, "no table of accounts"),
        (damaged, "damaged"),
        (lambda path: path, "No such file"),
        (lambda path: path.parent, "directory"),
        (lambda path: f"sqlite:///{path}", "cannot be opened"),
        (lambda path: "sqlite://", "no URL of a database"),
        (lambda path: "oracle://user:MARKED@host/db", "a source is a file"),
        (lambda path: "mysql://root:MARKED@127.0.0.1:1/db", "does not answer"),
        (lambda path: "mysql://nobody:MARKED@127.0.0.1:3306/db", "password is wrong"),
        (lambda path: "mysql://root@127.0.0.1:3306/no_such_MARKED", "no such database"),
        (lambda path: "postgresql://postgres:MARKED@127.0.0.1:1/db", "does not answer"),
        (lambda path: "postgresql://postgres@127.0.0.1:5432/no_such_database", "no such database"),
        (lambda path: "postgresql://postgres:MARKED@127.0.0.1:port/db", "no URL"),
        (lambda path: "redis://:MARKED@127.0.0.1:1/0", "does not answer"),
        (lambda path: "redis://nobody:MARKED@127.0.0.1:6379/0", "password is wrong"),
        (lambda path: "redis://127.0.0.1:port/0", "no URL"),
    ],
)
def test_O3_what_cannot_be_read_is_one_line_without_passwords(tmp_path, make, why):
    with pytest.raises(SourceError, match=why) as caught:
        list(entries(str(make(tmp_path / "x.db")), READING))
    assert "\n" not in str(caught.value)
    assert ":MARKED" not in str(caught.value)


def test_a_redis_without_accounts_says_so(redis_url):
    with pytest.raises(SourceError, match="check the number of the database"):
        list(entries(redis_url, READING))


def test_names_are_shown_without_what_is_secret_in_them():
    assert shown("mysql://me:secret@host/db?ssl-mode=x&password=y") == "mysql://***@host/db"
    assert shown("mysql://me:a/b@c@host/db") == "mysql://***@host/db"
    assert set(READERS) >= {"sqlite", "mysql", "postgresql", "redis"}
