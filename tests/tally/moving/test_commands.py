"""`tally export --everything` and `tally import --everything` on a machine that is signed in."""

import csv
from io import StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from tally.local.stack import Stack
from tally.storage.postgrest import SupabaseDatabase
from tests.tally.cli.test_collect import PASSWORD, Commands
from tests.tally.moving.houses import furnish
from tests.tally.people import Person, over_http, sign_up


def signed_in(stack: Stack, person: Person, folder: Path) -> Commands:
    """A machine of this person, without the operator's settings."""
    settings = {name: stack.settings()[name] for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}
    machine = Commands(folder / "home", folder / "state", settings)
    answer = machine.run("login", "--email", person.email, "--password-stdin", given=f"{PASSWORD}\n")
    assert answer.returncode == 0, answer.stderr
    return machine


@pytest.fixture(scope="module")
def house(stack: Stack) -> Person:
    person = sign_up(stack)
    furnish(over_http(stack, person))
    return person


def test_a_signed_in_person_moves_house(
    stack: Stack, other_stack: Stack, house: Person, tmp_path: Path
) -> None:
    file = tmp_path / "moving.zip"
    exported = signed_in(stack, house, tmp_path / "a").run("export", "--everything", str(file))
    assert exported.returncode == 0, exported.stderr
    with ZipFile(file) as moved:  # renewals become more with the months
        lists = [moved.read(f"{name}.csv").decode() for name in ("cost_records", "superseded_records")]
    records, superseded = (sum(1 for _ in csv.DictReader(StringIO(text))) for text in lists)
    assert f"to {file}: {records + superseded} records from " in exported.stdout
    assert "- Provider keys: enter them again where you import." in exported.stdout
    assert "- Targets of channels: add each channel again" in exported.stdout
    mover = sign_up(other_stack)
    there = signed_in(other_stack, mover, tmp_path / "b")
    imported = there.run("import", "--everything", str(file))
    assert imported.returncode == 0, imported.stderr
    assert f"cost_records: read {records} = {records} added + 0 already there + 0 rejected" in imported.stdout
    assert "All totals are the same as in the export, to the last digit." in imported.stdout
    again = there.run("import", "--everything", str(file))
    assert f"cost_records: read {records} = 0 added + {records} already there + 0 rejected" in again.stdout
    wanted, found = over_http(stack, house), over_http(other_stack, mover)
    assert billed(found) == billed(wanted) != []


def billed(database: SupabaseDatabase) -> list[str]:
    daily = database.call("daily_costs", from_date=None, to_date=None)
    return sorted(amount for amount in daily["cost_usd"] if amount is not None)


def test_an_operator_moves_somebody(stack: Stack, other_stack: Stack, house: Person, tmp_path: Path) -> None:
    file, mover = tmp_path / "moving.zip", sign_up(other_stack)
    for one, person, command in ((stack, house, "export"), (other_stack, mover, "import")):
        operator = Commands(tmp_path / "home", tmp_path / "state", one.settings())
        ended = operator.run(command, "--everything", str(file), "--email", person.email)
        assert ended.returncode == 0, ended.stderr
    assert "All totals are the same as in the export, to the last digit." in ended.stdout
    assert billed(over_http(other_stack, mover)) == billed(over_http(stack, house))


def test_refusals_are_sentences(stack: Stack, house: Person, tmp_path: Path) -> None:
    machine, file = signed_in(stack, house, tmp_path / "a"), tmp_path / "moving.zip"
    file.write_bytes(b"kept")
    for arguments, sentence in (
        (["export", "--everything", str(file)], "moving.zip exists. Choose another name"),
        (["export", "--everything", str(tmp_path / "no" / "f.zip")], "There is no folder"),
        (["export", "--everything", "a.zip", "--out", "b.zip"], "Name one file"),
        (["import", "--everything", str(file)], "is not an export made with --everything"),
        (["import", "--everything", str(file), str(file)], "--everything takes one file"),
        (["import", "--everything", str(file), "--dry-run"], "--everything takes one file"),
    ):
        ended = machine.run(*arguments)
        assert (ended.returncode, ended.stdout) == (1, ""), ended.stdout
        assert sentence in ended.stderr
        assert ended.stderr.rstrip().endswith(".")
    assert file.read_bytes() == b"kept"


def test_without_a_session_it_says_how_to_sign_in(tmp_path: Path) -> None:
    machine = Commands(tmp_path / "home", tmp_path / "state", {})
    ended = machine.run("export", "--everything", str(tmp_path / "moving.zip"))
    assert ended.returncode == 1
    assert "Sign in with `tally login`." in ended.stderr
