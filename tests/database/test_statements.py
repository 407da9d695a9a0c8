"""Every source's statements are stored unchanged, beside their effective parts."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.database.test_overlaps import record, save
from tests.database_fixtures import Connection, Project, add_user


@pytest.fixture
def person(project: Project) -> Connection:
    with project.connect() as operator:
        return project.act_as("authenticated", add_user(operator))


def add_source(person: Connection, kind: str, name: str, source_format: str) -> str:
    row = person.execute(
        """insert into public.imports (kind, filename, format, file_sha256) values (%s, %s, %s, %s)
        returning id::text""",
        [kind, name, source_format, "0" * 64 if kind == "file" else None],
    ).fetchone()
    assert row is not None
    return str(row[0])


def statements(person: Connection, *days: str | None) -> list[dict[str, Any]]:
    """The lines that the function returns, of all days by default."""
    row = person.execute(
        "select public.source_statements(%s::date, %s::date)", days or (None, None)
    ).fetchone()
    assert row is not None
    assert len({len(column) for column in row[0].values()}) == 1
    return [dict(zip(row[0], line, strict=True)) for line in zip(*row[0].values(), strict=True)]


def bill(cost: str, **metadata: str) -> dict[str, Any]:
    return record(cost, 0, "openai", "billed") | {"dataset": "openai_cost", "metadata": metadata}


def usage(cost: str | None, tokens: int, **metadata: str) -> dict[str, Any]:
    counts = {"input_tokens": tokens, "output_tokens": 0, "request_count": 1}
    estimate = record(cost, 0, "openai", "estimated")
    return estimate | counts | {"dataset": "openai_usage", "metadata": metadata}


def test_statements_of_every_source_are_kept_beside_the_effective_record(person: Connection) -> None:
    costs = add_source(person, "file", "costs.csv", "openai_cost")
    used = add_source(person, "file", "usage.csv", "openai_usage")
    save(person, usage("1.50", 900), import_id=used)
    save(person, bill("3.20"), import_id=costs)

    of_bill, of_usage = sorted(statements(person), key=lambda line: line["dataset"])

    assert (of_bill["import_id"], of_bill["cost_usd"], of_bill["effective_usd"]) == (
        costs,
        "3.2000000000",
        "3.2000000000",
    )
    assert (of_bill["money_is_effective"], of_bill["tokens_are_effective"]) == (True, False)
    assert (of_usage["filename"], of_usage["kind"], of_usage["format"]) == (
        "usage.csv",
        "file",
        "openai_usage",
    )
    assert (Decimal(of_usage["cost_usd"]), Decimal(of_usage["effective_usd"])) == (
        Decimal("1.50"),
        Decimal(0),
    )
    assert (of_usage["tokens"], of_usage["effective_tokens"], of_usage["requests"]) == (900, 900, 1)
    assert (of_usage["money_is_effective"], of_usage["tokens_are_effective"]) == (False, True)


def test_disabled_source_keeps_its_statements(person: Connection) -> None:
    costs = add_source(person, "file", "costs.csv", "openai_cost")
    save(person, usage("1.50", 900))
    save(person, bill("3.20"), import_id=costs)
    person.execute("update public.imports set is_enabled = false where id = %s", [costs])

    of_bill, of_usage = sorted(statements(person), key=lambda line: line["dataset"])

    assert (of_bill["is_effective"], of_bill["cost_usd"], of_bill["effective_usd"]) == (
        False,
        "3.2000000000",
        None,
    )
    assert (of_usage["is_effective"], of_usage["money_is_effective"], of_usage["effective_usd"]) == (
        True,
        True,
        "1.5000000000",
    )


def test_event_of_two_sources_has_two_statements_and_one_is_effective(person: Connection) -> None:
    said = usage("1.50", 900) | {"source_key": str(uuid4())}
    for name in ("laptop", "desktop"):
        save(person, said, import_id=add_source(person, "machine", name, "codex"))

    lines = statements(person)

    assert {line["filename"]: line["is_effective"] for line in lines} == {"laptop": True, "desktop": False}
    assert [line["cost_usd"] for line in lines] == ["1.5000000000"] * 2


def test_unpriced_statement_is_none_and_counted_as_such(person: Connection) -> None:
    save(person, usage(None, 900), usage("1", 100))
    [line] = statements(person)
    assert (line["cost_usd"], line["unpriced_records"], line["records"]) == ("1.0000000000", 1, 2)

    save(person, bill("3.20"))
    unpriced = next(line for line in statements(person) if line["dataset"] == "openai_usage")
    assert (unpriced["unpriced_records"], unpriced["money_is_effective"]) == (1, False)


def test_lines_of_a_bill_are_distinguished_by_token_kind(person: Connection) -> None:
    save(
        person,
        bill("1", token_type="output"),
        bill("2", line_item="gpt-5, cached input"),
        bill("3", line_item="gpt-5, input", batch="TRUE"),
        bill("4"),
    )
    lines = {line["token_type"]: line for line in statements(person)}
    assert {name: Decimal(line["cost_usd"]) for name, line in lines.items()} == {
        "output": 1,
        "cached input": 2,
        "input": 3,
        "": 4,
    }
    assert {name for name, line in lines.items() if line["is_special"]} == {"input"}


def test_days_are_those_of_utc_and_both_ends_are_included(project: Project) -> None:
    with project.connect() as operator:
        person = project.act_as("authenticated", add_user(operator, "Asia/Kathmandu"))
    late = usage("1", 1) | {"timestamp": datetime(2026, 11, 1, 23, 30, tzinfo=UTC).isoformat()}
    del late["day"]  # in Kathmandu it is the 2nd
    save(person, late)

    assert [line["day"] for line in statements(person, "2026-11-01", "2026-11-01")] == ["2026-11-01"]
    assert statements(person, "2026-11-02", "2026-11-02") == []


def test_records_without_a_billing_account_are_left_out(person: Connection) -> None:
    save(person, record("5", 0, "openai", "billed") | {"billing_account": None})
    assert statements(person) == []


def test_model_has_the_name_that_the_database_reconciles_by(project: Project) -> None:
    names = ["GPT-5-2025-08-07", "claude-sonnet-4-5@20250929", "gpt-4o-latest", "(unspecified)", "o3-20"]
    with project.connect() as operator:
        person = project.act_as("authenticated", add_user(operator))
        save(person, *(usage("1", 1) | {"model_name": name} for name in names))
        keys = dict(
            operator.execute("select model_name, array[model_key] from public.cost_records").fetchall()
        )
    assert keys["claude-sonnet-4-5@20250929"] == ["claude-sonnet-4-5"]
    assert {line["model_name"]: [line["model"]] for line in statements(person)} == keys


def test_stranger_cannot_read_statements(project: Project, person: Connection) -> None:
    save(person, usage("1", 1), import_id=add_source(person, "file", "usage.csv", "openai_usage"))
    with project.connect() as operator:
        stranger = project.act_as("authenticated", add_user(operator))
    assert statements(stranger) == []
    assert source_days(stranger) == []
    assert len(source_days(person)) == 1


def source_days(person: Connection) -> list[dict[str, Any]]:
    row = person.execute("select public.source_days()").fetchone()
    assert row is not None
    return [dict(zip(row[0], line, strict=True)) for line in zip(*row[0].values(), strict=True)]


def test_days_of_a_source_can_be_those_of_an_account_or_of_no_project(person: Connection) -> None:
    save(
        person,
        usage("1.50", 900),
        bill("3.20"),
        import_id=add_source(person, "file", "a.csv", "openai_usage"),
    )
    account = "select distinct billing_account from public.cost_records"
    [[name]] = person.execute(account).fetchall()

    def count(**asked: str) -> int:
        named = ", ".join(f"{parameter} => %({parameter})s" for parameter in asked)
        row = person.execute(f"select public.source_days({named})", asked).fetchone()
        assert row is not None
        return sum(row[0]["records"])

    nobody, another = "00000000-0000-0000-0000-000000000000", str(uuid4())
    assert [count(account=name), count(account="another")] == [2, 0]
    assert [count(project=nobody), count(project=another)] == [2, 0]


def test_totals_of_a_source_by_day_and_basis_ignore_whether_it_is_enabled(person: Connection) -> None:
    used = add_source(person, "file", "usage.csv", "openai_usage")
    costs = add_source(person, "file", "costs.csv", "openai_cost")
    save(person, usage("1.50", 900), usage(None, 100), import_id=used)
    save(person, bill("3.20"), import_id=costs)
    save(person, bill("9"))  # by no source
    before = source_days(person)

    person.execute("update public.imports set is_enabled = false where id = %s", [used])

    def key(line: dict[str, Any]) -> str:
        return json.dumps(line, sort_keys=True)

    after = source_days(person)
    effective = [sum(Decimal(line.pop("effective_usd") or 0) for line in lines) for lines in (before, after)]
    assert sorted(after, key=key) == sorted(before, key=key)
    assert effective == [Decimal("12.2"), Decimal("12.2")], "a bill replaces the estimate, enabled or not"
    assert [line["kind"] for line in after if line["import_id"] is None] == ["manual_entry"]
    of_usage = next(line for line in before if line["import_id"] == used)
    assert (of_usage["cost_usd"], of_usage["records"], of_usage["unpriced_records"]) == ("1.5000000000", 2, 1)
    assert {line["cost_basis"] for line in before} == {"billed", "estimated"}
