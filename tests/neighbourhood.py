"""chenyme/grok2api's stores, built from the golden records: tables on three engines, hashes in Redis."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Engine, Integer, MetaData, String, Table, Text, insert

GOLDEN = Path(__file__).parent / "golden" / "chenyme"
V2: list[dict[str, Any]] = json.loads((GOLDEN / "v2_accounts.json").read_text())
V1: dict[str, list[Any]] = json.loads((GOLDEN / "v1_token.json").read_text())

_QUOTAS = [name for name in V2[0] if name.startswith("quota_")]
_AS_JSON = {"tags", "ext", *_QUOTAS}
_TIMES = [name for name in V2[0] if name.endswith("_at")]
_COUNTS = [name for name in V2[0] if name.startswith("usage_")]


def v2_row(record: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if name in _AS_JSON else value for name, value in record.items()}


def v2_hash(record: dict[str, Any]) -> dict[str, str]:
    row = {name: value for name, value in v2_row(record).items() if name != "token"}
    return {name: "" if value is None else str(value) for name, value in row.items()}


def v2_table(metadata: MetaData, without: tuple[str, ...] = ()) -> Table:
    columns = [
        Column("token", String(512), primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("pool", "status", *sorted(_AS_JSON))),
        *(Column(name, BigInteger) for name in (*_TIMES, "revision")),
        *(Column(name, Integer, nullable=False) for name in _COUNTS),
        *(Column(name, Text) for name in ("last_fail_reason", "state_reason")),
    ]
    return Table("accounts", metadata, *(column for column in columns if column.name not in without))


def v1_rows() -> list[dict[str, Any]]:
    rows = []
    for pool, records in V1.items():
        for record in records:
            known = {"token": record} if isinstance(record, str) else record
            rows.append({**known, "pool_name": pool, "tags": json.dumps(known.get("tags", []))})
    names = {name for row in rows for name in row}
    return [{name: row.get(name) for name in names} for row in rows]


def v1_table(metadata: MetaData) -> Table:
    texts = ("pool_name", "status", "last_fail_reason", "tags", "note")
    others = sorted({name for row in v1_rows() for name in row} - {"token", *texts})
    return Table(
        "tokens",
        metadata,
        Column("token", String(512), primary_key=True),
        *(Column(name, Text) for name in texts),
        *(Column(name, BigInteger) for name in others),
    )


def v1_document_table(metadata: MetaData) -> Table:
    return Table("grok_tokens", metadata, Column("id", Integer, primary_key=True), Column("data", JSON))


def fill_v2(engine: Engine, without: tuple[str, ...] = ()) -> None:
    metadata = MetaData()
    table = v2_table(metadata, without)
    rows = [{name: value for name, value in v2_row(record).items() if name not in without} for record in V2]
    _fill(engine, metadata, table, rows)


def fill_v1(engine: Engine) -> None:
    metadata = MetaData()
    _fill(engine, metadata, v1_table(metadata), v1_rows())


def fill_v1_document(engine: Engine) -> None:
    metadata = MetaData()
    rows = [{"id": 1, "data": {"ssoBasic": ["stale-0001"]}}, {"id": 2, "data": V1}]
    _fill(engine, metadata, v1_document_table(metadata), rows)


def _fill(engine: Engine, metadata: MetaData, table: Table, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(insert(table), rows)
