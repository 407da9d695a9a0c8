"""`tally import`, `export` and `demo`: their output, refusals and exit codes."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.importers.save import undo_import
from tally.local.stack import Stack
from tally.storage.database import Query
from tests.every_case import every_case
from tests.tally.importers.golden import FIXTURES, load_sample
from tests.tally.people import Person, over_http, sign_up

HEADER = "date,provider,model,cost,tokens,requests,note\n"
GOOD = HEADER + "2026-11-02,OpenAI,gpt-5.5,1.25,,,\n2026-11-03,OpenAI,gpt-5.5,2,,,\n"
Tally = Callable[..., Result]


@pytest.fixture
def account(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture
def tally(account: Person) -> Tally:
    """Run a command for this account, in the stack's environment."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--email", account.email])

    return run


@pytest.fixture
def stored(stack: Stack, account: Person) -> Callable[[], int]:
    return lambda: len(over_http(stack, account).select(Query("cost_records", "id", ["id"])))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(text: str | bytes, name: str = "usage.csv") -> Path:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write_file


def fails_with(ended: Result, sentence: str) -> bool:
    """True if the sentence is on stderr; the command must end with exit code 1 and no stack trace."""
    assert ended.exit_code == 1, ended.output
    assert "Traceback" not in ended.output
    assert ended.stderr.rstrip().endswith((".", "?")), ended.stderr
    return sentence in ended.stderr


@every_case([(command,) for command in sorted(get_command(app).commands)])  # type: ignore[attr-defined]
def test_example_in_every_help_text_uses_existing_options(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).stdout
    example = shown.partition("Example: ")[2].partition("\n\n")[0].replace("\n", " ")
    assert f"tally {command}" in example
    words = example.partition(f"tally {command}")[2].split()
    options = {word for word in words if word.startswith("--")}
    assert all(option in shown.partition("Options:")[2] for option in options)


def test_import_accounts_for_every_row(tally: Tally, write: Callable[..., Path]) -> None:
    file = write(GOOD + "2099-01-01,OpenAI,m,1,,,\nnever,OpenAI,m,1,,,\n")
    ended = tally("import", file)
    assert ended.exit_code == 0
    assert "usage.csv (Table of costs" in ended.stdout
    assert "read 4 = 2 added + 0 duplicates + 2 rejected" in ended.stdout
    assert "usage.csv, line 4: The date 2099-01-01 is outside 2020 to one year from now." in ended.stderr
    assert 'usage.csv, line 5: The date "never"' in ended.stderr
    again = tally("import", file)
    assert "read 4 = 0 added + 2 duplicates + 2 rejected" in again.stdout


def test_amounts_of_a_table_are_billed_after_undo(
    tally: Tally, write: Callable[..., Path], stack: Stack, account: Person
) -> None:
    def bases() -> set[str]:
        return {row["cost_basis"] for row in database.select(Query("cost_records", "id,cost_basis", ["id"]))}

    database, file = over_http(stack, account), write(GOOD)
    first = tally("import", file)
    assert "saved as estimates" in first.stdout
    assert "undo the import on the Import page, then import the file again with --cost-basis" in first.stdout
    again = tally("import", file)
    assert "0 added" in again.stdout
    assert "--cost-basis" not in again.stdout
    billed = tally("import", file, "--cost-basis", "billed")
    assert "2 duplicates kept the cost basis that was saved before. To change it, undo" in billed.stdout
    assert bases() == {"estimated"}
    (saved,) = database.select(Query("imports", "id", ["id"]))
    undo_import(database, saved["id"])
    last = tally("import", file, "--cost-basis", "billed")
    assert "--cost-basis" not in last.stdout
    assert bases() == {"billed"}


def test_import_tells_of_projects_that_no_rule_knows(
    tally: Tally, write: Callable[..., Path], stack: Stack, account: Person
) -> None:
    database = over_http(stack, account)
    web = database.call("create_project", name="Web")
    rule = {"field": "folder", "match": "exact", "value": "web", "project_id": web}
    database.call("set_rules", rules=[rule])
    rows = ("2,web", "3,=api", "4,", "5,docs")
    file = write(
        "date,provider,model,cost,project\n" + "".join(f"2026-11-02,OpenAI,m,{row}\n" for row in rows)
    )
    told = "No rule knows “=api”, “docs”: records that name them are unassigned. Make rules for projects in"
    assert told in tally("import", file).stdout
    assert told in tally("import", file).stdout
    database.call("set_rules", rules=[rule | {"value": value} for value in ("web", "=api", "docs")])
    assert "No rule" not in tally("import", file).stdout
    assert "No rule" not in tally("import", write(GOOD)).stdout


def test_several_files_are_imported_in_one_go(tally: Tally, stored: Callable[[], int]) -> None:
    names = ("generic", "openai_cost_2026_09", "anthropic_usage_2026")
    ended = tally("import", *(FIXTURES / name / "sample.csv" for name in names))
    assert ended.exit_code == 0
    assert ended.stdout.count("sample.csv") == 3
    assert stored() > 5


def test_archive_is_imported_as_a_whole_and_its_bill_is_the_money(
    tally: Tally, write: Callable[..., Path], stack: Stack, account: Person
) -> None:
    file = write(load_sample("deepseek")[1], "usage.zip")
    ended = tally("import", file)
    assert "usage.zip (DeepSeek usage export): read 11 = 9 added + 0 duplicates + 2 rejected" in ended.stdout
    assert 'usage.zip, line 8: amount-2026-09-02_2026-10-01.csv: The type "mystery_tokens"' in ended.stderr
    assert "read 11 = 0 added + 9 duplicates + 2 rejected" in tally("import", file).stdout
    rows = over_http(stack, account).select(
        Query("effective_records", "id,model_name,cost_usd,cost_basis,tokens_used", ["id"])
    )
    chat = [row for row in rows if row["model_name"] == "deepseek-chat"]
    assert sum(row["tokens_used"] for row in chat) == 470_000
    assert {row["cost_basis"]: round(float(row["cost_usd"]), 6) for row in chat} == {
        "estimated": 0,
        "billed": 0.018446,
    }


@pytest.mark.parametrize("case", ["litellm_logs_json", "litellm_daily_json"])
def test_json_is_imported_like_a_table(tally: Tally, write: Callable[..., Path], case: str) -> None:
    name, content = load_sample(case)
    file = write(content, name)
    assert f"{name} (LiteLLM spend): read 2 = 2 added + 0 duplicates" in tally("import", file).stdout
    assert "read 2 = 0 added + 2 duplicates" in tally("import", file).stdout


def test_newer_figures_of_a_day_are_reported_as_updated(tally: Tally, write: Callable[..., Path]) -> None:
    header = "start_time,end_time,amount_value,amount_currency,line_item\n"
    tally("import", write(header + "1793577600,1793664000,1,usd,a\n"))
    ended = tally("import", write(header + "1793577600,1793664000,2,usd,a\n"))
    assert "1 duplicate + 0 rejected (1 of the duplicates updated)" in ended.stdout


def test_dry_run_shows_totals_and_adds_nothing(
    tally: Tally, write: Callable[..., Path], stored: Callable[[], int]
) -> None:
    ended = tally("import", write(GOOD + "x,OpenAI,m,1,,,\n"), "--dry-run")
    assert ended.exit_code == 0
    assert "read 3 rows, 1 rejected, total $3.25" in ended.stdout
    assert "line 4" in ended.stderr
    assert stored() == 0


def test_ambiguous_dates_need_an_option(tally: Tally, write: Callable[..., Path]) -> None:
    file = write(HEADER + "03/04/2026,OpenAI,m,1,,,\n")
    assert fails_with(tally("import", file), "Add --day-first or --month-first.")
    assert tally("import", file, "--day-first").exit_code == 0


def test_ambiguous_numbers_need_an_option(tally: Tally, write: Callable[..., Path]) -> None:
    file = write(HEADER.replace(",", ";") + '2026-11-02;OpenAI;m;"1,234";;;\n')
    assert fails_with(tally("import", file), "Add --decimal-comma or --decimal-point.")
    assert "added" in tally("import", file, "--decimal-comma").stdout


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "bad.csv is empty."),
        (b"%PDF-1.7 \x00", "bad.csv is a PDF document, not a CSV file."),
        (b"PK\x03\x04xl/workbook", "bad.csv is a damaged ZIP archive"),
        (HEADER.encode(), "bad.csv has a header and no rows below it."),
        (b"a,b\n1,2\n", "bad.csv has no column for date and cost."),
        (b"date,cost,Cost\n2026-11-02,1,2\n", "bad.csv has more than one column named"),
        (b"date,cost\n" + b"2026-11-02,1\n" * 4_000_000, "has more than 50 MB, the limit of one file."),
    ],
)
def test_one_refused_file_stops_all_before_anything_is_written(
    tally: Tally, write: Callable[..., Path], stored: Callable[[], int], content: bytes, sentence: str
) -> None:
    ended = tally("import", write(GOOD, "good.csv"), write(content, "bad.csv"))
    assert fails_with(ended, sentence)
    assert stored() == 0


def test_folders_and_missing_files_are_named(
    tally: Tally, write: Callable[..., Path], tmp_path: Path, stored: Callable[[], int]
) -> None:
    good = write(GOOD)
    assert fails_with(tally("import", good, tmp_path), f"{tmp_path} is a folder. Name the files in it")
    missing = tmp_path / "missing.csv"
    assert fails_with(tally("import", good, missing), f"{missing} cannot be read: No such file or directory.")
    assert stored() == 0


def test_file_to_import_survives_as_target_of_rejected_rows(
    tally: Tally, write: Callable[..., Path], stored: Callable[[], int]
) -> None:
    file = write(GOOD)
    ended = tally("import", file, "--rejected", file)
    assert fails_with(ended, f"{file} is a file to import. Write rejected rows to another file.")
    assert file.read_text() == GOOD
    assert stored() == 0


def test_endless_file_is_refused(tally: Tally) -> None:
    assert fails_with(tally("import", "/dev/zero"), "zero has more than 50 MB, the limit of one file.")


def test_hostile_file_name_is_shown_as_text(tally: Tally, write: Callable[..., Path]) -> None:
    file = write(GOOD, "a\x1b]8;;x\x07\udcff.csv")
    assert tally("import", file).output.startswith("a�]8;;x��.csv (Table of costs): read 2")


def test_overlap_in_another_grouping_is_refused(tally: Tally, write: Callable[..., Path]) -> None:
    header = "start_time,end_time,amount_value,amount_currency,line_item,project_id\n"
    tally("import", write(header + "1793577600,1793664000,1,usd,a,\n", "items.csv"))
    other = write(header + "1793577600,1793664000,1,usd,,p\n", "projects.csv")
    for arguments in ([], ["--dry-run"]):
        assert fails_with(
            tally("import", other, *arguments), "projects.csv has 2026-11-02 grouped by project."
        )


def test_rejected_rows_are_written_to_a_file(
    tally: Tally, write: Callable[..., Path], tmp_path: Path
) -> None:
    rows = ["=cmd,OpenAI,m,1,,,", *(f"bad {n},OpenAI,m,1,,," for n in range(14))]
    file, out = write(GOOD + "\n".join(rows)), tmp_path / "rejected.csv"
    ended = tally("import", file)
    assert "… and 5 more. Write all of them to a file with --rejected FILE." in ended.stderr
    assert tally("import", file, "--rejected", out).exit_code == 0
    with out.open(newline="", encoding="utf-8") as opened:
        written = list(csv.DictReader(opened))
    assert [row["line"] for row in written] == [str(line) for line in range(4, 19)]
    assert written[0]["row"] == "'=cmd,OpenAI,m,1,,,"
    assert all(row["file"] == "usage.csv" and row["reason"] for row in written)


def test_unwritable_files_are_named_before_anything_is_saved(
    tally: Tally, write: Callable[..., Path], tmp_path: Path, stored: Callable[[], int]
) -> None:
    ended = tally("import", write(GOOD), "--rejected", tmp_path)
    assert fails_with(ended, f"{tmp_path} cannot be written: Is a directory.")
    assert stored() == 0
    nowhere = tmp_path / "no" / "out.csv"
    assert fails_with(tally("export", "--out", nowhere), f"{nowhere} cannot be written: No such file")


def test_export_writes_what_was_imported(tally: Tally, write: Callable[..., Path], tmp_path: Path) -> None:
    tally("import", write(HEADER + '2026-11-02,OpenAI,"=HYPERLINK(""x"")",1.25,,,@note\n'))
    outs = [tmp_path / "records.csv", tmp_path / "records.parquet"]
    for out in outs:
        assert tally("export", "--out", out).stdout == f"Exported 1 record to {out}.\n"
    row = pd.read_csv(outs[0], dtype=str).iloc[0]
    assert (row["model_name"], row["note"], row["cost_usd"]) == (
        '\'=HYPERLINK("x")',
        "'@note",
        "1.2500000000",
    )
    raw = pd.read_parquet(outs[1]).iloc[0]
    assert (raw["model_name"], raw["note"], raw["cost_usd"]) == ('=HYPERLINK("x")', "@note", "1.2500000000")


def test_imported_export_has_the_same_totals(
    tally: Tally, stack: Stack, account: Person, tmp_path: Path
) -> None:
    cases = ("openai_usage_2025_10", "openai_cost_2025_10", "copilot_2026_06", "generic", "litellm_logs")
    for case in cases:
        assert tally("import", FIXTURES / case / "sample.csv", "--month-first").exit_code == 0
    out, second = tmp_path / "records.csv", sign_up(stack)
    tally("export", "--out", out)
    rows = pd.read_csv(out, dtype=str)
    assert {"True", "False"} == set(rows["money_is_effective"])
    assert rows["cost_usd"].isna().any()
    assert {"billed", "estimated", "included"} == set(rows["cost_basis"])
    brought = CliRunner().invoke(app, ["import", str(out), "--email", second.email])
    assert f"(Tally export): read {len(rows)} = {len(rows)} added" in brought.stdout
    assert totals(stack, second) == totals(stack, account)


def totals(stack: Stack, person: Person) -> list[tuple[Any, ...]]:
    """The figures of each day, model and basis."""
    columns = over_http(stack, person).call("daily_costs", from_date=None, to_date=None)
    lists = [column for column in columns.values() if isinstance(column, list)]
    return sorted(zip(*lists, strict=True), key=repr)


def test_export_to_another_kind_of_file_is_refused(tally: Tally, tmp_path: Path) -> None:
    out = tmp_path / "records.xlsx"
    assert fails_with(tally("export", "--out", out), "records.xlsx must end in .csv or .parquet.")
    assert not out.exists()


def test_demo_is_loaded_and_removed(tally: Tally, stored: Callable[[], int]) -> None:
    loaded = tally("demo")
    assert loaded.exit_code == 0
    assert "tally demo --email" in loaded.stdout
    assert stored() > 900
    assert tally("demo", "--remove").stdout == "Sample data removed.\n"
    assert stored() == 0
    assert tally("demo", "--remove").stdout == "There is no sample data of this account.\n"


def test_unknown_account_is_named(stack: Stack, write: Callable[..., Path]) -> None:
    assert stack
    ended = CliRunner().invoke(app, ["import", str(write(GOOD)), "--email", "nobody@example.com"])
    assert fails_with(ended, "There is no account for nobody@example.com. Sign up in the dashboard first.")


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("postgresql://postgres@127.0.0.1:1/postgres", "The database cannot be reached. Start Tally with"),
        ("half an address", "DATABASE_URL is not a Postgres address such as"),
    ],
)
def test_unreachable_database_is_explained(
    tally: Tally, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, sentence: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    assert fails_with(tally("export", "--out", tmp_path / "r.csv"), sentence)


@every_case([(arguments,) for arguments in [["import"], ["import", "--day-first"], ["export"], ["nothing"]]])
def test_wrong_usage_ends_with_two(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_exit_codes_and_streams_of_a_real_process(
    stack: Stack, account: Person, write: Callable[..., Path]
) -> None:
    """As a real process: exit code, streams, and only the one sentence on stderr."""
    assert stack

    def run(*files: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tally", "import", *map(str, files), "--email", account.email]
        return subprocess.run(
            command, env=os.environ, capture_output=True, text=True, timeout=60, check=False
        )

    good, empty = run(write(GOOD)), run(write("", "empty.csv"))
    assert (good.returncode, good.stderr) == (0, "")
    assert (empty.returncode, empty.stdout) == (1, "")
    assert empty.stderr == "empty.csv is empty. Export it again and check that it has rows.\n"


def test_focus_is_written_and_told(tally: Tally, write: Callable[..., Path], tmp_path: Path) -> None:
    tally("import", write(GOOD))
    for name in ("costs.csv", "costs.parquet"):
        ended = tally("export", "--focus", "1.2", "--out", tmp_path / name)
        assert ended.stdout == (
            f"Exported 2 rows: 3.25 USD billed or estimated to {tmp_path / name}. Its days are UTC days.\n"
        )
    one = tally(
        "export", tmp_path / "day.csv", "--focus", "1.2", "--from", "2026-11-03", "--to", "2026-11-03"
    )
    assert "Exported 1 row: 2 USD" in one.stdout
    assert list(pd.read_csv(tmp_path / "day.csv", dtype=str)["BilledCost"]) == ["2.0"]


def test_focus_is_kept_month_by_month(tally: Tally, write: Callable[..., Path], tmp_path: Path) -> None:
    tally("import", write(GOOD))
    keep = ("export", "--focus", "1.2", "--store", tmp_path)
    assert tally(*keep).stdout == f"1 month in {tmp_path}: 1 written.\n"
    assert tally(*keep).stdout == f"1 month in {tmp_path}: nothing changed.\n"
    assert [path.name for path in tmp_path.rglob("2026-*")] == ["2026-11.csv"]


FAULTS = [
    ("--from 2026-11-01", "Add --focus 1.2."),
    ("--store folder", "Add --focus 1.2."),
    ("--focus 1.3 --out costs.csv", "FOCUS 1.3 is not offered. Ask for 1.2."),
    ("--focus 1.2", "Name the file to write with --out"),
    ("--focus 1.2 --out costs.xlsx", "costs.xlsx must end in .csv or .parquet."),
    ("--focus 1.2 --out a.csv --store folder", "not both."),
    ("--focus 1.2 --everything", "Choose one"),
    ("--focus 1.2 --store nowhere/at/all", "is missing. Mount or create it."),
    ("--focus 1.2 --store ftp://host/folder", "is no address of a bucket or a folder"),
    ("--focus 1.2 --out a.csv --from 2026-11-02 --to 2026-11-01", "is after 2026-11-01. Exchange them."),
]


def test_focus_says_what_is_wrong_with_its_options(tally: Tally) -> None:
    missed = [line for line, sentence in FAULTS if not fails_with(tally("export", *line.split()), sentence)]
    assert not missed
