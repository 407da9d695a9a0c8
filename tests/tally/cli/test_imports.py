"""`tally import --dry-run`: what files say, without an account or a server."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tally.cli import import_previews
from tally.cli.import_previews import UNKNOWN
from tally.cli.main import app
from tests.tally.importers.golden import FIXTURES, load_expected, load_sample

HEADER = "date,provider,model,cost,tokens,requests,note\n"
GENERIC = HEADER + "2026-11-02,OpenAI,gpt-5.5,1.25,,3,\n2026-11-02,OpenAI,gpt-5.5,2,,,\nnever,OpenAI,m,1,,,\n"
CLASSES = ("uncached_input", "cached_input", "cache_write_5m", "cache_write_1h", "output")
OPENROUTER = FIXTURES / "openrouter_2026" / "sample.csv"
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/expected.json"))


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing that a command could find an account or a server with."""
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    for name in ("DATABASE_URL", "SUPABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "usage.csv"
    path.write_text(GENERIC)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def preview(*arguments: object) -> dict[str, Any]:
    ended = run(*arguments, "--dry-run", "--json")
    assert ended.exit_code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes for files of any size."""
    monkeypatch.setattr(import_previews, "MIN_BYTES_TO_SHARE", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def usage_rows(minutes: Sequence[int]) -> str:
    header = "start_time,end_time,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens\n"
    starts = (1_790_812_800 + 60 * minute for minute in minutes)
    rows = (f"{start},{start + 60},2,gpt-5.2-2025-12-11,{start % 9_973},7,{start % 11}\n" for start in starts)
    return header + "".join(rows) + "1,2,3\nnever,1790812800,1,gpt-5.2,1,1,1\n"


@pytest.mark.parametrize(
    "minutes",
    [range(3_000), [*range(2_000), *range(1_000)]],
    ids=["rows of their own", "rows of one record in both halves"],
)
@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "table"])
def test_two_processes_find_the_same_as_one(
    tmp_path: Path, request: pytest.FixtureRequest, minutes: Sequence[int], options: list[str]
) -> None:
    (tmp_path / "usage.csv").write_text(usage_rows(minutes))
    arguments = (tmp_path / "usage.csv", OPENROUTER, "--dry-run", "--timezone", "Asia/Kolkata", *options)
    alone = run(*arguments)
    request.getfixturevalue("shared")
    together = run(*arguments)
    assert len(alone.stdout) > 500
    assert (together.exit_code, together.output) == (alone.exit_code, alone.output) == (0, alone.output)


@pytest.mark.usefixtures("shared")
def test_shares_of_a_file_that_is_refused_are_not_awaited(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    ended = run(OPENROUTER, tmp_path / "empty.csv", "--dry-run")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "empty.csv is empty." in ended.stderr


def test_price_of_an_unknown_tier_is_said(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(
        "start_time,end_time,num_model_requests,model,batch,service_tier,input_tokens,output_tokens\n"
        "1788220800,1788307200,2,gpt-5.4,false,scale,1000000,0\n"
        "1788307200,1788393600,2,gpt-5.4,false,flex,1000000,0\n"
    )
    sentence = "1 record at the standard price: none is known for scale"
    assert sentence in run(path, "--dry-run").output
    assert [note for part in preview(path)["files"] for note in part["notes"] if sentence in note]


def test_json_says_what_a_file_holds(file: Path) -> None:
    found = preview(file, "--timezone", "Europe/Berlin")
    assert (found["format"], found["timezone"]) == (1, "Europe/Berlin")
    (part,) = found["files"]
    assert (part["file"], part["importer"], part["records"]) == ("usage.csv", "generic", 2)
    assert [(row["line"], "never" in row["reason"]) for row in part["rejected"]] == [(4, True)]
    assert part["days"] == [
        {
            "day": "2026-11-02",
            "model": "gpt-5.5",
            "provider": "openai",
            "cost_basis": "estimated",
            "charge_type": "usage",
            "requests": 3,
            "uncached_input_tokens": 0,
            "cached_input_tokens": 0,
            "cache_write_5m_tokens": 0,
            "cache_write_1h_tokens": 0,
            "output_tokens": 0,
            "reasoning_tokens": 0,
            "unpriced_records": 0,
            "cost_usd": "3.25",
        }
    ]


@pytest.mark.parametrize("case", CASES)
def test_days_add_up_to_the_records_of_every_format(case: str, tmp_path: Path) -> None:
    name, content = load_sample(case)
    (tmp_path / name).write_bytes(content)
    expected = load_expected(case)
    records: Any = expected["records"]
    (part,) = preview(tmp_path / name, "--timezone", "America/New_York")["files"]
    assert part["importer"] == expected["format"]
    assert part["records"] == len(records)
    assert [[row["line"], row["reason"]] for row in part["rejected"]] == expected["rejected"]
    assert usd_by_basis(part["days"]) == usd_by_basis(records)
    assert sum(row["unpriced_records"] for row in part["days"]) == sum(
        record["cost_usd"] is None for record in records
    )
    tokens = sum(record.get("input_tokens", 0) + record.get("output_tokens", 0) for record in records)
    assert sum(row[f"{name}_tokens"] for row in part["days"] for name in CLASSES) == tokens


def usd_by_basis(rows: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["cost_basis"]] += Decimal(row["cost_usd"] or 0)
    return sums


def test_days_are_those_of_the_timezone(tmp_path: Path) -> None:
    file = tmp_path / "openrouter.csv"
    file.write_bytes(load_sample("openrouter_2026")[1])
    days = {
        zone: [row["day"] for row in preview(file, "--timezone", zone)["files"][0]["days"]] for zone in ZONES
    }
    assert days["Pacific/Kiritimati"] != days["Pacific/Pago_Pago"]
    assert preview(file)["timezone"] == "Asia/Tokyo"


def test_hour_long_writes_to_the_cache_are_told_apart(tmp_path: Path) -> None:
    name, content = load_sample("anthropic_usage_2025_06")
    (tmp_path / name).write_bytes(content)
    records: Any = load_expected("anthropic_usage_2025_06")["records"]
    hour_long = sum(record["metadata"].get("cache_write_1h_tokens", 0) for record in records)
    (part,) = preview(tmp_path / name)["files"]
    assert sum(row["cache_write_1h_tokens"] for row in part["days"]) == hour_long > 0


def test_table_shows_days_and_a_total(file: Path) -> None:
    ended = run(file, "--dry-run")
    assert ended.exit_code == 0
    assert "usage.csv (Table of costs" in ended.stdout
    assert "read 3 rows, 1 rejected, total $3.25" in ended.stdout
    assert ["2026-11-02", "gpt-5.5", "openai", "estimated", "3", "0", "0", "0", "0", "$3.25"] in [
        line.split() for line in ended.stdout.splitlines()
    ]
    assert "usage.csv, line 4" in ended.stderr


@pytest.mark.parametrize("basis", ["billed", "estimated", "included"])
def test_amounts_of_a_table_are_what_the_user_says(file: Path, basis: str) -> None:
    (part,) = preview(file, "--cost-basis", basis)["files"]
    assert usd_by_basis(part["days"]) == {basis: Decimal("3.25")}
    assert part["notes"] == []


def test_amounts_of_a_table_are_never_billed_by_default(file: Path) -> None:
    (part,) = preview(file)["files"]
    assert usd_by_basis(part["days"]) == {"estimated": Decimal("3.25")}
    (note,) = part["notes"]
    assert "--cost-basis billed" in note
    assert note in run(file, "--dry-run").stdout


def test_requests_that_a_file_does_not_count_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text("date,model,cost\n2026-11-02,gpt-5.5,1\n")
    assert ["2026-11-02", "gpt-5.5", "other", "estimated", UNKNOWN, "0", "0", "0", "0", "$1.00"] in [
        line.split() for line in run(path, "--dry-run").stdout.splitlines()
    ]


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text("date,cost,bar,provider\n2026-11-02,1,Website,OpenAI\n")
    (part,) = preview(path, "--cost-basis", "billed")["files"]
    assert part["notes"] == ['Not imported: "bar".']
    assert 'Not imported: "bar".' in run(path, "--dry-run").stdout


def test_skipped_rows_are_counted_and_named(tmp_path: Path) -> None:
    name, content = load_sample("focus_clouds")
    (tmp_path / name).write_bytes(content)
    (part,) = preview(tmp_path / name)["files"]
    assert part["skipped"] == [{"reason": "of services other than AI", "rows": 1}]
    assert "Skipped 1 row of services other than AI." in run(tmp_path / name, "--dry-run").stdout


def test_all_files_are_read_before_anything_is_printed(file: Path, tmp_path: Path) -> None:
    ended = run(file, tmp_path / "missing.csv", "--dry-run", "--json")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "missing.csv cannot be read" in ended.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Name the account with --email, or add --dry-run to see what the files say."),
        (["--email", "a@example.com", "--json"], "--timezone and --json are for --dry-run"),
        (["--email", "a@example.com", "--timezone", "UTC"], "--timezone and --json are for --dry-run"),
        (
            ["--dry-run", "--cost-basis", "billed", str(FIXTURES / "openrouter_2026" / "sample.csv")],
            "needs no",
        ),
        (["--dry-run", "--timezone", "Mars/Olympus"], "There is no time zone 'Mars/Olympus'."),
    ],
)
def test_mistakes_are_answered_in_a_sentence(file: Path, options: list[str], sentence: str) -> None:
    ended = run(file, *options)
    assert ended.exit_code == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.output
