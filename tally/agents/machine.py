"""This machine: its name, its home folder, and the folder for collection state."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tally.agents.agent import Agent
from tally.agents.json_values import printable
from tally.agents.payment import PAID_BY, Payment, choose_payment, find_payment
from tally.agents.plan_accounts import find_plan_accounts
from tally.core.errors import TallyError
from tally.core.paths import collection_path

MAX_NAME_LENGTH = 100


def machine_name() -> str:
    """Return the host name without its domain."""
    import socket  # lazily: printing a stored report needs none of it

    return printable(socket.gethostname().partition(".")[0])[:MAX_NAME_LENGTH] or "this machine"


def check_machine_name(name: str) -> str:
    """Return a name that the user chose; raises TallyError where it cannot be stored or shown."""
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise TallyError(
            f"The name of a machine has at most {MAX_NAME_LENGTH} characters, without line breaks or control "
            "characters. Choose another one with --machine."
        )
    return name


def collecting_folder() -> Path:
    """Return the private folder for collection state."""
    folder = collection_path()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise TallyError(
            f"Tally cannot use the folder {folder} ({error.strerror}). "
            "Set TALLY_HOME to a folder that you can write to."
        ) from None
    return folder


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything about this machine that collecting depends on."""

    home: Path = field(default_factory=Path.home)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    name: str = field(default_factory=machine_name)
    folder: Path = field(default_factory=collecting_folder)
    payments: Mapping[str, Payment] = field(default_factory=dict)  # chosen on this machine, by agent name

    def find_plan_accounts(self, agent: Agent) -> dict[Path, str]:
        """Return the ids of the accounts whose plans the agent uses, by the folder of their logs."""
        return find_plan_accounts(agent.name, self.home, self.environment)

    def find_payment(self, agent: Agent, paid_by_in_tally: str | None = None) -> Payment:
        """Return the payment chosen here, else the one chosen in Tally, else the agent's own setting."""
        if agent.name in self.payments:
            return self.payments[agent.name]
        if paid_by_in_tally in PAID_BY:
            return choose_payment(agent.name, paid_by_in_tally)
        return find_payment(agent.name, self.home, self.environment)
