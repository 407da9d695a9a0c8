"""`tally login`, `tally collect`, `tally logout`: whole commands against a real stack."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tally.accounts.cli_session import load_session, open_database
from tally.agents.registry import AGENTS
from tally.core.errors import NotSignedIn
from tally.local.stack import Stack
from tests.program_environment import program_environment
from tests.tally.agents.homes import (
    claude_row,
    codex_rows,
    codex_usage,
    json_lines,
    write_claude,
    write_codex,
)
from tests.tally.agents.test_other_agents import opencode_message, write_opencode
from tests.tally.agents.test_report import pop_costs
from tests.tally.agents.test_upload import stored
from tests.tally.cli.in_process import run_tally
from tests.tally.people import Person, over_http, sign_up

PASSWORD = "correct horse 1"


@dataclass(frozen=True)
class Commands:
    """A machine with its own home and TALLY_HOME, where `tally` is run."""

    home: Path
    state: Path
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        folders = {"HOME": str(self.home), "TALLY_HOME": str(self.state), "TZ": "Europe/Berlin"}
        return program_environment(**folders, **self.settings)

    def run(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        return run_tally(*arguments, environment=self.environment, given=given)

    def start(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as a program of its own, which is stopped after two minutes."""
        command = [sys.executable, "-W", "ignore", "-m", "tally", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def report(self, *arguments: str) -> Any:
        answer = self.run("collect", "--dry-run", "--json", *arguments)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)


@pytest.fixture
def alone(tmp_path: Path) -> Commands:
    """A machine without connection settings."""
    return Commands(tmp_path / "home", tmp_path / "state", {})


@pytest.fixture
def account(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture
def machine(stack: Stack, tmp_path: Path) -> Commands:
    settings = {key: stack.settings()[key] for key in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}
    return Commands(tmp_path / "home", tmp_path / "state", settings)


@pytest.fixture
def signed_in_machine(machine: Commands, account: Person) -> Commands:
    answer = machine.run("login", "--email", account.email, "--password-stdin", given=f"{PASSWORD}\n")
    assert answer.returncode == 0, answer.stderr
    return machine


def test_report_needs_no_account(alone: Commands) -> None:
    write_claude(
        alone.home, claude_row(at="2026-09-01T22:30:00Z"), claude_row("msg_2", usage={"output_tokens": -1})
    )

    report = alone.report()

    assert (report["timezone"], report["since"]) == ("Europe/Berlin", None)
    (source,) = report["sources"]
    assert (source["source"], source["files"], source["requests"], source["rejected"]) == (
        "claude-code",
        1,
        1,
        1,
    )
    (row,) = source["days"]
    million = Decimal(1_000_000)
    assert pop_costs(row) == {
        "cost_usd": (10 * Decimal(3) + 100 * Decimal(15)) / million,
        "uncached_input_usd": 10 * Decimal(3) / million,
        "cached_input_usd": 0,
        "cache_write_5m_usd": 0,
        "cache_write_1h_usd": 0,
        "output_usd": 100 * Decimal(15) / million,
        "web_search_usd": 0,
        "other_usd": 0,
    }
    assert row == {
        "day": "2026-09-02",  # half past midnight in Berlin
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "cost_basis": "estimated",
        "charge_type": "usage",
        "paid_by": "api",
        "workspace": None,
        "project": None,
        "requests": 1,
        "uncached_input_tokens": 10,
        "cached_input_tokens": 0,
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": 0,
        "output_tokens": 100,
        "reasoning_tokens": 0,
        "unpriced_records": 0,
    }


def test_report_is_cached_until_something_changes(alone: Commands) -> None:
    path = write_claude(alone.home, claude_row())
    first = alone.report()
    cached = alone.state / "collect" / "report.json"
    before = cached.stat().st_mtime_ns
    assert cached.stat().st_mode & 0o777 == 0o600

    assert alone.report() == first
    assert cached.stat().st_mtime_ns == before

    path.write_bytes(path.read_bytes() + json_lines([claude_row("msg_2", "req_2")]))
    assert [source["requests"] for source in alone.report()["sources"]] == [2]
    assert [source["requests"] for source in alone.report("--since", "2026-09-02")["sources"]] == [0]
    answer = alone.run("collect", "--paid-by", "claude-code=plan", "--dry-run", "--json")
    assert json.loads(answer.stdout)["sources"][0]["days"][0]["paid_by"] == "plan"
    assert alone.report()["sources"][0]["days"][0]["provider"] == "claude-desktop"


def test_agents_are_listed_with_their_folders(alone: Commands) -> None:
    write_claude(alone.home, claude_row())

    listed = json.loads(alone.run("collect", "--list", "--json").stdout)["sources"]
    assert [agent["source"] for agent in listed] == [agent.name for agent in AGENTS]
    assert listed[0] == {
        "source": "claude-code",
        "title": "Claude Code",
        "folders": [str(alone.home / ".claude" / "projects")],
        "found": True,
        "files": 1,
    }
    assert {agent["found"] for agent in listed[1:]} == {False}
    codex = alone.run("collect", "--list", "--source", "codex").stdout.splitlines()
    assert [line.split() for line in codex] == [
        ["Agent", "Source", "Folder", "Found", "Files"],
        ["Codex", "CLI", "codex", "~/.codex", "no", "0"],
    ]
    cowork = alone.run("collect", "--list", "--source", "claude-cowork").stdout
    assert "~/.config/Claude/local-agent-mode-sessions" in cowork  # not where macOS has it


def test_lines_of_an_unknown_shape_are_counted_and_said(alone: Commands) -> None:
    unknown = {"type": "turn", "usage": {"input_tokens": 5, "output_tokens": 6}}
    write_claude(alone.home, claude_row(), *[unknown] * 12)

    (source,) = alone.report()["sources"]
    assert (source["requests"], source["rejected"], source["unknown_lines"]) == (1, 0, 12)
    answer = alone.run("collect", "--dry-run")
    assert answer.stderr == "Claude Code: 12 lines of a shape that Tally does not know\n"


def test_report_on_a_locked_database_is_not_kept(alone: Commands) -> None:
    path = write_opencode(alone.home, opencode_message())
    with closing(sqlite3.connect(path)) as other:
        other.execute("begin exclusive")
        (locked,) = alone.report()["sources"]
    assert (locked["requests"], locked["reasons"]) == (0, ["the file cannot be read: database is locked"])

    (free,) = alone.report()["sources"]
    assert (free["requests"], free["reasons"]) == (1, [])


def test_report_as_text_shows_only_the_chosen_agent(alone: Commands) -> None:
    write_claude(alone.home, claude_row(model="claude-nova-9"))
    write_codex(alone.home, codex_rows({"last_token_usage": codex_usage(1_000, 10)}))

    answer = alone.run("collect", "--dry-run", "--source", "claude-code")

    assert answer.stdout.startswith("Claude Code: 1 request in 1 file\n")
    assert "claude-nova-9" in answer.stdout
    assert "no price" in answer.stdout
    assert "Total" not in answer.stdout
    assert "Codex" not in answer.stdout
    codex = alone.run("collect", "--dry-run", "--source", "codex").stdout
    assert codex.endswith("Total $0.0014: $0.0012 input, $0.00010 output\n"), codex


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--source", "emacs"], "There is no source 'emacs'. Choose from claude-code, codex"),
        (["--paid-by", "claude-code=me"], "is invalid. Write it as claude-code=plan"),
        (["--timezone", "Mars/Olympus", "--dry-run"], "There is no time zone 'Mars/Olympus'."),
        (["--machine", "a\x1b[2J"], "The name of a machine has at most 100 characters"),
        (["--machine", "m" * 101], "The name of a machine has at most 100 characters"),
        (["--machine", "a\udcff"], "Choose another one with --machine."),
        ([], "Sign in with `tally login`."),
    ],
)
def test_mistake_of_the_user_is_answered_in_one_sentence(
    alone: Commands, arguments: list[str], sentence: str
) -> None:
    answer = alone.run("collect", *arguments)

    assert answer.returncode == 1
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e300", "-1", "0"])
def test_time_between_checks_is_one_that_can_be_waited(alone: Commands, seconds: str) -> None:
    answer = alone.run("collect", "--watch", "--every", seconds)
    assert answer.returncode == 2
    assert "Invalid value for '--every'" in answer.stderr


def test_logs_are_saved_in_the_signed_in_account(
    signed_in_machine: Commands, stack: Stack, account: Person
) -> None:
    write_claude(signed_in_machine.home, claude_row())

    first = signed_in_machine.run("collect", "--machine", "laptop")
    again = signed_in_machine.run("collect", "--machine", "laptop", "--json")

    assert first.stdout == "Claude Code: read 1 = 1 added + 0 duplicates + 0 rejected\n", first.stderr
    assert json.loads(again.stdout)["sources"][0]["read"] == 0
    assert len(stored(over_http(stack, account))) == 1


def test_session_file_is_private_and_its_token_renewed_each_time(signed_in_machine: Commands) -> None:
    folder = signed_in_machine.state / "collect"
    first = load_session(folder)
    assert (folder / "account.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert first.refresh_token not in repr(first)

    session, _ = open_database(folder)
    assert session.user_id == first.user_id
    assert load_session(folder).refresh_token != first.refresh_token


def test_wrong_password_is_refused_and_stores_nothing(machine: Commands, account: Person) -> None:
    answer = machine.run("login", "--email", account.email, "--password-stdin", given="wrong horse 1\n")

    assert (answer.returncode, answer.stderr) == (1, "Wrong email or password.\n")
    assert not (machine.state / "collect" / "account.json").exists()


def test_password_that_is_not_text_is_refused(machine: Commands) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tally", "login", "--email", "ada@example.com", "--password-stdin"],
        env=machine.environment,
        input=b"\xff\xfe\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr == b"The password on standard input is not text in UTF-8. Check what sends it.\n"


def test_sign_in_without_a_terminal_names_the_options(alone: Commands) -> None:
    answer = alone.run("login", "--address", "http://127.0.0.1:9", "--key", "k", given="")

    assert answer.returncode == 1
    assert answer.stderr.endswith(
        "Name the account with --email, and send the password on standard input with --password-stdin.\n"
    )


def test_unreachable_address_is_named(alone: Commands) -> None:
    where = ["--address", "http://127.0.0.1:9", "--key", f"sb_publishable_{uuid4().hex}"]
    answer = alone.run("login", *where, "--email", "ada@example.com", "--password-stdin", given="x\n")

    assert answer.returncode == 1
    assert answer.stderr == (
        "http://127.0.0.1:9 cannot be reached. Check the address, and that Tally is running there.\n"
    )


def test_signing_out_ends_the_session_everywhere(signed_in_machine: Commands) -> None:
    folder = signed_in_machine.state / "collect"
    used = (folder / "account.json").read_text()

    assert signed_in_machine.run("logout").stdout == "Signed out.\n"
    assert signed_in_machine.run("logout").stdout == "Not signed in.\n"
    assert "tally login" in signed_in_machine.run("collect").stderr

    (folder / "account.json").write_text(used)
    with pytest.raises(NotSignedIn):
        open_database(folder)


@pytest.fixture
def watching(signed_in_machine: Commands) -> Iterator["subprocess.Popen[str]"]:
    write_claude(signed_in_machine.home, claude_row())
    command = [sys.executable, "-W", "ignore", "-m", "tally", "collect", "--watch", "--every", "0.2"]
    environment = signed_in_machine.environment
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()


def test_watch_collects_new_entries(
    watching: "subprocess.Popen[str]", signed_in_machine: Commands, stack: Stack, account: Person
) -> None:
    database = over_http(stack, account)
    _wait_for(lambda: len(stored(database)) == 1)

    write_claude(signed_in_machine.home, claude_row("msg_2", "req_2"), file="garden/s2.jsonl")

    _wait_for(lambda: len(stored(database)) == 2)
    assert watching.poll() is None


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
