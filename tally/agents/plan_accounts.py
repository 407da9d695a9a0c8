"""Accounts of subscription plans, by opaque ids that agents store for themselves: two plans stay apart."""

from collections.abc import Mapping
from pathlib import Path

from tally.agents.json_values import child, read_name
from tally.agents.log_files import folders_from
from tally.agents.payment import load_settings

MAX_CLAUDE_BYTES = 64_000_000  # the file has a history of all projects, too


def find_plan_accounts(agent_name: str, home: Path, environment: Mapping[str, str]) -> dict[Path, str]:
    """Return the id of the plan's account by the folder whose logs it is for.

    It is the account that is signed in now: logs do not name theirs. Nothing else is read from the files.
    """
    finders = {"claude-code": _find_claude, "codex": _find_codex}
    finder = finders.get(agent_name)
    found = finder(home, environment) if finder else {}
    return {folder: account for folder, account in found.items() if account}


def account_of(log: Path, accounts: Mapping[Path, str]) -> str:
    """Return the account that a log is for; empty where there is none."""
    return next((account for folder, account in accounts.items() if folder in log.parents), "")


def _find_claude(home: Path, environment: Mapping[str, str]) -> dict[Path, str]:
    """Organizations that Claude Code is signed in to: with CLAUDE_CONFIG_DIR, one for each folder."""
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    roots = folders_from(environment, "CLAUDE_CONFIG_DIR", config / "claude", home / ".claude")
    roots = [root.parent if root.name == "projects" else root for root in roots]
    is_own = bool(environment.get("CLAUDE_CONFIG_DIR", "").strip(" ,"))
    return {root: _read_claude((root if is_own else home) / ".claude.json") for root in roots}


def _read_claude(path: Path) -> str:
    account = child(load_settings(path, MAX_CLAUDE_BYTES), "oauthAccount")
    return read_name(account, "organizationUuid") or read_name(account, "accountUuid")


def _find_codex(home: Path, environment: Mapping[str, str]) -> dict[Path, str]:
    """Accounts of ChatGPT that Codex is signed in to."""
    roots = folders_from(environment, "CODEX_HOME", home / ".codex")
    return {
        root: read_name(child(load_settings(root / "auth.json"), "tokens"), "account_id") for root in roots
    }
