"""Payment for a coding agent's usage: covered by a subscription plan, or paid per token to an API."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tally.agents.json_values import child, read_name
from tally.agents.log_files import folders_from
from tally.catalog.plans import PLANS

PaidBy = Literal["plan", "api"]
PAID_BY: tuple[PaidBy, ...] = ("plan", "api")

# Agent -> the provider whose plan it can use.
OWN = {"claude-code": "anthropic", "claude-cowork": "anthropic", "codex": "openai", "gemini-cli": "google"}
WITH_PLAN = ("copilot-cli", "claude-cowork")  # agents that cannot be used without one
PAYMENTS_FILE = "paid-by.json"
MAX_SETTINGS_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Payment:
    """Payment for one agent: everything by plan or API, or a plan for some providers only (opencode)."""

    paid_by: PaidBy
    plans: Collection[str] = ()  # providers covered by a plan even when the rest is paid per token
    own: str = ""  # the only provider whose plan the agent can use; empty where it can use any

    def is_plan(self, vendor: str) -> bool:
        """Return whether a plan covers what this provider is paid for otherwise."""
        is_covered = self.paid_by == "plan" and (vendor == self.own if self.own else vendor in PLANS)
        return is_covered or vendor in self.plans or vendor == "github-copilot"

    def find_payee(self, vendor: str) -> str:
        """Return the provider that is paid."""
        return PLANS.get(vendor, vendor) if self.is_plan(vendor) else vendor


def load_payments(folder: Path) -> dict[str, Payment]:
    """Load the payments chosen with `--paid-by` from the folder for collection state."""
    chosen = load_settings(folder / PAYMENTS_FILE)
    return {name: choose_payment(name, payer) for name, payer in chosen.items() if payer in PAID_BY}


def choose_payment(agent_name: str, paid_by: PaidBy) -> Payment:
    """Return the payment that a user chose for an agent: its plan covers nothing that others are paid for."""
    return Payment(paid_by, own=OWN.get(agent_name, ""))


def find_payment(agent_name: str, home: Path, environment: Mapping[str, str]) -> Payment:
    """Infer the payment from how the agent is signed in; secrets are only checked for presence."""
    if agent_name in WITH_PLAN:
        return choose_payment(agent_name, "plan")
    if agent_name == "opencode":
        return Payment("api", _opencode_plans(home, environment))
    is_plan = {"claude-code": _is_claude_plan, "codex": _is_codex_plan, "gemini-cli": _is_gemini_plan}
    find = is_plan.get(agent_name)
    return choose_payment(agent_name, "plan" if find and find(home, environment) else "api")


def _is_claude_plan(home: Path, environment: Mapping[str, str]) -> bool:
    if environment.get("ANTHROPIC_API_KEY"):
        return False  # takes precedence over the sign-in
    for folder in folders_from(environment, "CLAUDE_CONFIG_DIR", home / ".claude"):
        if read_name(child(load_settings(folder / ".credentials.json"), "claudeAiOauth"), "subscriptionType"):
            return True
    return False


def _is_codex_plan(home: Path, environment: Mapping[str, str]) -> bool:
    for folder in folders_from(environment, "CODEX_HOME", home / ".codex"):
        found = load_settings(folder / "auth.json")
        mode = found.get("auth_mode")
        if mode == "chatgpt" or (mode is None and child(found, "tokens") and not found.get("OPENAI_API_KEY")):
            return True
    return False


def _is_gemini_plan(home: Path, environment: Mapping[str, str]) -> bool:  # noqa: ARG001 - same signature as the others
    found = load_settings(home / ".gemini" / "settings.json")
    chosen = child(child(found, "security"), "auth").get("selectedType") or found.get("selectedAuthType")
    return chosen == "oauth-personal"


def _opencode_plans(home: Path, environment: Mapping[str, str]) -> frozenset[str]:
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    plans: set[str] = set()
    for folder in folders_from(environment, "OPENCODE_DATA_DIR", data / "opencode"):
        found = load_settings(folder / "auth.json")
        plans |= {vendor for vendor in PLANS if child(found, vendor).get("type") == "oauth"}
    return frozenset(plans)


def load_settings(path: Path, max_bytes: int = MAX_SETTINGS_BYTES) -> dict[str, Any]:
    """Load a settings file of an agent; empty when it is missing, too large or unreadable."""
    try:
        if path.stat().st_size > max_bytes:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
