"""`tally prompts`: from a file to what runs, and back."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.cli.prompts import read_shares
from tally.core.errors import TallyError
from tally.local.stack import Stack
from tests.tally.people import Person, sign_up


def run(person: Person, *arguments: str, fails: bool = False) -> Result:
    """Run a command of the group for a person."""
    result = CliRunner().invoke(app, ["prompts", *arguments, "--email", person.email])
    assert (result.exit_code != 0) == fails, result.output
    return result


def test_prompt_goes_from_a_file_to_production_and_back(stack: Stack, tmp_path: Path) -> None:
    person = sign_up(stack)
    assert run(person, "list").output.startswith("No prompts yet.")
    file = tmp_path / "refund-policy.txt"
    file.write_bytes("\ufeffAnswer thirty {{days}}.\r\nBye [red]".encode())
    assert run(person, "push", str(file), "-m", "First").output == "refund-policy: v1 is new.\n"
    assert run(person, "push", str(file)).output == "refund-policy: v1 has this text already.\n"
    file.write_text("Answer 30 {{days}}.\nBye [red]")
    run(person, "push", str(file))
    diff = run(person, "diff", "refund-policy").output.splitlines()
    assert diff == ["-    1  Answer [-thirty-] {{days}}.", "+    1  Answer {+30+} {{days}}."]

    assert run(person, "deploy", "refund-policy", "v1").output.endswith("v1 runs in production.\n")
    deployed = run(person, "deploy", "refund-policy", "1=90", "2=10").output
    assert deployed == "refund-policy: v1 90%, v2 10% run in production.\n"
    wrong = run(person, "deploy", "refund-policy", "1=90", "2=11", fails=True).output
    assert wrong == "These shares add up to 101%, not to 100%.\n"
    assert run(person, "rollback", "refund-policy").output == "refund-policy: v1 runs in production again.\n"
    assert run(person, "pull", "refund-policy").stdout_bytes == b"Answer thirty {{days}}.\nBye [red]"
    assert run(person, "pull", "refund-policy", "--version", "2").output.startswith("Answer 30")

    [listed] = json.loads(run(person, "list", "--json").output)["prompts"]
    assert (listed["versions"], listed["newest"]) == (2, 2)
    assert listed["live"] == [{"environment": "production", "version": 1, "percent": "100"}]
    assert "production: v1" in run(person, "list").output
    run(person, "push", str(file), "--name", "n" * 100)
    assert "n" * 59 + "…  " in run(person, "list").output


def test_faulty_file_is_named_and_nothing_is_pushed(stack: Stack, tmp_path: Path) -> None:
    person = sign_up(stack)
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("Fine")
    bad.write_text("a\n{{b")
    refused = run(person, "push", str(good), str(bad), fails=True).output
    assert "bad.txt: Line 2, column 1: {{ is not closed by }}." in refused
    bad.write_bytes(b"ok\n\xff")
    assert "is not UTF-8: see line 2." in run(person, "push", str(bad), fails=True).output
    bad.write_bytes(b"x" * 1_048_577)
    assert "1,048,576 (1 MB) is the most" in run(person, "push", str(bad), fails=True).output
    missing = run(person, "push", str(tmp_path / "none.txt"), fails=True).output
    assert "cannot be read: No such file" in missing
    assert run(person, "list").output.startswith("No prompts yet.")


def test_hostile_names_and_texts_are_text(stack: Stack, tmp_path: Path) -> None:
    person = sign_up(stack)
    file = tmp_path / "a.txt"
    file.write_text("{{a}} \x1b[31m[bold]\u202e")
    name = "<b>[x](http://evil.example) {b}/% 🙂"
    pushed = run(person, "push", str(file), "--name", name).output
    assert pushed == f"{name}: v1 is new.\n"
    file.write_text("{{a}} \x1b[32m[bold]\u202e")
    run(person, "push", str(file), "--name", name)
    for arguments in (["list"], ["diff", name]):
        shown = run(person, *arguments).output
        assert ("[x]" in shown) or ("[bold]" in shown)
        assert not {"\x1b", "\u202e"} & set(shown)
    for wrong in ("\x1b[31mred", "\u202eknalb", "x" * 300):
        refused = run(person, "push", str(file), "--name", wrong, fails=True).output
        assert ("out of the name" in refused) or ("name of 1 to 100" in refused)
        assert not {"\x1b", "\u202e"} & set(refused)


def test_shares_are_read() -> None:
    assert read_shares(["8"]) == {8: 100}
    assert read_shares(["v7=90", "8=10%"]) == {7: 90, 8: 10}
    assert read_shares(["7=33.34", "8=66.66"]) == {7: Decimal("33.34"), 8: Decimal("66.66")}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["7", "8"], "Give each version its share in percent, such as 7=90."),
        (["7=50", "v7=50"], "v7 is there twice. Give it once."),
        (["7=NaN"], "“NaN” is no share."),
        (["7=ninety"], "“ninety” is no share."),
        (["seven=90"], "“seven” is no version."),
    ],
)
def test_shares_that_are_none_are_a_sentence(given: list[str], sentence: str) -> None:
    with pytest.raises(TallyError) as refused:
        read_shares(given)
    assert str(refused.value).startswith(sentence)
