"""Accounts of plans: ids out of the agents' own settings, and nothing else of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tally.agents.machine import Machine
from tally.agents.payment import Payment
from tally.agents.plan_accounts import account_of, find_plan_accounts
from tally.agents.upload import collect_into
from tally.local.stack import Stack
from tests.tally.agents.homes import claude_row, codex_rows, codex_usage, write, write_claude, write_codex
from tests.tally.agents.test_upload import API_PAYS, machine_at, stored
from tests.tally.people import over_http, sign_up

ORGANIZATION = "55555555-6666-7777-8888-999999999999"
CLAUDE: dict[str, Any] = {
    "projects": {"/home/ada/secret": {}},
    "oauthAccount": {
        "accountUuid": "00000000-1111-2222-3333-444444444444",
        "emailAddress": "ada@example.com",
        "organizationUuid": ORGANIZATION,
        "organizationName": "Ada's Organization",
    },
}
CODEX = {"auth_mode": "chatgpt", "tokens": {"access_token": "secret", "account_id": "acct-1"}}
PLAN = {"claude-code": Payment("plan"), "codex": Payment("plan")}


def save(path: Path, settings: object) -> None:
    write(path, json.dumps(settings).encode())


def test_claude_code_stores_its_organization_beside_its_folder(tmp_path: Path) -> None:
    save(tmp_path / ".claude.json", CLAUDE)
    accounts = find_plan_accounts("claude-code", tmp_path, {})
    for root in (".claude", ".config/claude"):
        assert account_of(tmp_path / root / "projects" / "x" / "s.jsonl", accounts) == ORGANIZATION
    assert account_of(tmp_path / "else" / "s.jsonl", accounts) == ""


def test_folders_of_claude_code_have_accounts_of_their_own(tmp_path: Path) -> None:
    save(tmp_path / "work" / ".claude.json", CLAUDE)
    save(tmp_path / "home" / ".claude.json", {"oauthAccount": {"accountUuid": "account-2"}})
    save(tmp_path / ".claude.json", {"oauthAccount": {"accountUuid": "not-used"}})
    environment = {"CLAUDE_CONFIG_DIR": f"{tmp_path}/work/projects, {tmp_path}/home, {tmp_path}/none"}
    accounts = find_plan_accounts("claude-code", tmp_path, environment)
    found = [
        account_of(tmp_path / root / "projects" / "s.jsonl", accounts) for root in ("work", "home", "none")
    ]
    assert found == [ORGANIZATION, "account-2", ""]


def test_codex_stores_the_account_of_its_plan(tmp_path: Path) -> None:
    save(tmp_path / ".codex" / "auth.json", CODEX)
    accounts = find_plan_accounts("codex", tmp_path, {})
    assert account_of(tmp_path / ".codex" / "sessions" / "2026" / "r.jsonl", accounts) == "acct-1"


@pytest.mark.parametrize("damaged", [b"", b"[]", b"\xff", b'{"oauthAccount": 7}', b"{" * 100_000])
@pytest.mark.parametrize("agent", ["claude-code", "codex", "gemini-cli", "opencode", "copilot-cli"])
def test_unreadable_settings_name_no_account(tmp_path: Path, agent: str, damaged: bytes) -> None:
    for path in (".claude.json", ".codex/auth.json"):
        write(tmp_path / path, damaged)
    assert find_plan_accounts(agent, tmp_path, {}) == {}


def billing_accounts(stack: Stack, machine: Machine) -> set[str]:
    database = over_http(stack, sign_up(stack))
    collect_into(database, machine)
    return {record["billing_account"] for record in stored(database)}


def test_plans_of_two_accounts_stay_apart(stack: Stack, tmp_path: Path) -> None:
    machine = machine_at(tmp_path, payments=PLAN)
    save(machine.home / ".claude.json", CLAUDE)
    save(machine.home / ".codex" / "auth.json", CODEX)
    write_claude(machine.home, claude_row())
    write_codex(machine.home, codex_rows({"last_token_usage": codex_usage(1_000, 10)}))
    assert billing_accounts(stack, machine) == {f"claude-desktop:@{ORGANIZATION}", "chatgpt:@acct-1"}


def test_usage_paid_per_token_names_no_account(stack: Stack, tmp_path: Path) -> None:
    """The key may be of another account than the sign-in, and bills must be matched with it."""
    machine = machine_at(tmp_path, payments=API_PAYS)
    save(machine.home / ".claude.json", CLAUDE)
    write_claude(machine.home, claude_row())
    assert billing_accounts(stack, machine) == {"anthropic"}


@pytest.mark.parametrize("hostile", ["a b", "a:b", "x" * 300, "../../x", "@x", "\x1b[2J"])
def test_id_that_is_none_is_not_sent(stack: Stack, tmp_path: Path, hostile: str) -> None:
    machine = machine_at(tmp_path, payments=PLAN)
    save(machine.home / ".claude.json", {"oauthAccount": {"organizationUuid": hostile}})
    write_claude(machine.home, claude_row())
    assert billing_accounts(stack, machine) == {"claude-desktop"}
