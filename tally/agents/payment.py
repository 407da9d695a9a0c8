"""Who pays for what a coding agent uses: a plan at a fixed price, or an API by the token."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tally.agents.logs import child, folders_from, read_name

PaidBy = Literal["plan", "api"]
PAID_BY: tuple[PaidBy, ...] = ("plan", "api")

# The plan of each API's provider, which is what the money goes to.
PLANS = {
    "anthropic": "claude-desktop",
    "openai": "chatgpt",
    "google": "gemini-app",
    "github-copilot": "github-copilot",
}
PAYMENTS_FILE = "paid-by.json"
LARGEST_CONFIG = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Payment:
    """How one agent is paid for; opencode has several providers, and a plan for some of them."""

    paid_by: PaidBy
    plans: Collection[str] = ()  # of these providers, whatever the rest is

    def is_plan(self, vendor: str) -> bool:
        """Whether a plan covers what this provider's models did."""
        return self.paid_by == "plan" or vendor in self.plans or vendor == "github-copilot"

    def find_payee(self, vendor: str) -> str:
        """The provider that gets the money."""
        return PLANS.get(vendor, vendor) if self.is_plan(vendor) else vendor


def load_payments(folder: Path) -> dict[str, Payment]:
    """What the person said of each agent before; `folder` is where collecting keeps its state."""
    kept = _load(folder / PAYMENTS_FILE)
    return {name: Payment(payer) for name, payer in kept.items() if payer in PAID_BY}


def find_payment(agent_name: str, home: Path, environment: Mapping[str, str]) -> Payment:
    """What the agent's own settings say of its sign-in: only of which kind it is is looked at."""
    if agent_name == "copilot-cli":
        return Payment("plan")
    if agent_name == "opencode":
        return Payment("api", _plans_of_opencode(home, environment))
    is_plan = {"claude-code": _is_claude_plan, "codex": _is_codex_plan, "gemini-cli": _is_gemini_plan}
    return Payment("plan" if is_plan[agent_name](home, environment) else "api")


def _is_claude_plan(home: Path, environment: Mapping[str, str]) -> bool:
    if environment.get("ANTHROPIC_API_KEY"):
        return False  # goes before a sign-in
    for folder in folders_from(environment, "CLAUDE_CONFIG_DIR", home / ".claude"):
        if read_name(child(_load(folder / ".credentials.json"), "claudeAiOauth"), "subscriptionType"):
            return True
    return False


def _is_codex_plan(home: Path, environment: Mapping[str, str]) -> bool:
    for folder in folders_from(environment, "CODEX_HOME", home / ".codex"):
        found = _load(folder / "auth.json")
        mode = found.get("auth_mode")
        if mode == "chatgpt" or (mode is None and child(found, "tokens") and not found.get("OPENAI_API_KEY")):
            return True
    return False


def _is_gemini_plan(home: Path, environment: Mapping[str, str]) -> bool:  # noqa: ARG001 (one place only)
    found = _load(home / ".gemini" / "settings.json")
    chosen = child(child(found, "security"), "auth").get("selectedType") or found.get("selectedAuthType")
    return chosen == "oauth-personal"


def _plans_of_opencode(home: Path, environment: Mapping[str, str]) -> frozenset[str]:
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    plans: set[str] = set()
    for folder in folders_from(environment, "OPENCODE_DATA_DIR", data / "opencode"):
        found = _load(folder / "auth.json")
        plans |= {vendor for vendor in PLANS if child(found, vendor).get("type") == "oauth"}
    return frozenset(plans)


def _load(path: Path) -> dict[str, Any]:
    """A settings file; empty where there is none or it cannot be read."""
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
