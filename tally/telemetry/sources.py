"""Sources of what services send with API keys."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from tally.core.text import printable
from tally.storage.postgres import PostgresDatabase

PaidBy = Literal["plan", "api"]

MAX_SERVICE = 200
UNNAMED = "unknown_service"  # as OpenTelemetry calls a program without a name
TELEMETRY = "telemetry"  # the format of a service that is no known agent
# Beginnings of services' names -> the coding agent.
AGENTS = {
    "claude-code": "claude-code",
    "codex": "codex",
    "gemini-cli": "gemini-cli",
    "qwen-code": "qwen-code",
    "github-copilot": "copilot-cli",
    "opencode": "opencode",
}


@dataclass(frozen=True, slots=True)
class KeySource:
    """Source of what one service sends with one key."""

    id: str
    user_id: str  # whose it is
    paid_by: PaidBy = "api"
    project_id: str | None = None  # of the key

    @classmethod
    def of(cls, row: dict[str, Any]) -> "KeySource":
        """The source in a row of the database."""
        paid_by: PaidBy = "plan" if row["paid_by"] == "plan" else "api"
        return cls(row["import_id"], row["user_id"], paid_by, row["project_id"])


def name_service(name: str) -> str:
    """A service's name as the name of a source."""
    return printable(name).strip()[:MAX_SERVICE].strip() or UNNAMED


def open_source(database: PostgresDatabase, key_id: UUID, service: str) -> KeySource:
    """The source of a service that sends with a key, made when it is the first time."""
    name = name_service(service)
    agent = next((agent for start, agent in AGENTS.items() if name.startswith(start)), TELEMETRY)
    return KeySource.of(database.call_private("source_of_key", key=str(key_id), service=name, agent=agent))
