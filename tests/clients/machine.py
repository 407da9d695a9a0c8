"""The computer of someone who sets up a client: what the page Keys shows is pasted, then the client runs."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

import pytest

from tally.api_keys.snippets import find_snippet
from tally.local.node import find_node
from tests.clients.install import modules_of, python_of

SECONDS = 240
NEEDS_CURL = pytest.mark.skipif(which("curl") is None, reason="curl is not installed (apt install curl)")


@dataclass(frozen=True, slots=True)
class Machine:
    """A home of its own, Tally's address, a key, and the address of the provider."""

    folder: Path
    tally: str
    key: str
    provider: str
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.folder / "home")
        (self.home / "work").mkdir(parents=True)

    def snippet(self, name: str) -> str:
        """The settings of a client as the page shows them."""
        return find_snippet(name).fill(self.tally, self.key) + "\n"

    def write(self, path: str, text: str) -> Path:
        """A file in the home."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def run(self, command: Sequence[str | Path], settings: str = "", **variables: str) -> str:
        """The output of a command in a shell with these settings; it must end well."""
        profile = self.write(".profile", settings)
        ended = subprocess.run(
            ["sh", "-c", f'. {profile} && exec "$@"', "sh", *command],
            cwd=self.home / "work",
            env=self.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def run_python(self, packages: str, app: str, settings: str = "", **variables: str) -> str:
        """The output of a Python program with these packages."""
        return self.run([python_of(packages), self.write("work/app.py", app)], settings, **variables)

    def run_node(self, packages: str, app: str, settings: str = "", **variables: str) -> str:
        """The output of a JavaScript program with these packages."""
        modules = self.home / "work" / "node_modules"
        modules.symlink_to(modules_of(packages))
        return self.run(["node", self.write("work/app.mjs", app)], settings, **variables)

    def environment(self) -> dict[str, str]:
        """Keys and addresses of the providers, and nothing of this process but the programs."""
        return {
            "HOME": str(self.home),
            "PATH": f"{find_node().program.parent}{os.pathsep}{os.environ['PATH']}",
            "TERM": "xterm",
            "OPENAI_API_KEY": "sk-none",
            "OPENAI_BASE_URL": f"{self.provider}/v1",
            "ANTHROPIC_API_KEY": "sk-ant-none",
            "ANTHROPIC_BASE_URL": self.provider,
        }
