"""`python -m tests.clients.install GROUP…`: install real clients, each group apart from the others.

The usual tests need `sdks` and `javascript`; `make test-clients` installs the others, too.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tally.core.paths import CHECKOUT
from tally.local.node import NPM_OPTIONS, find_node

FOLDER = Path(__file__).parent
INSTALLED = CHECKOUT / ".venv" / "clients"
PIP = ("-m", "pip", "-qq", "--disable-pip-version-check", "--no-input", "install", "--require-hashes", "-r")


def python_of(group: str) -> Path:
    """The Python with the packages of a group."""
    return _require(group) / "bin" / "python"


def modules_of(group: str) -> Path:
    """The packages of a group for Node.js."""
    return _require(group) / "node_modules"


def _require(group: str) -> Path:
    assert (INSTALLED / group).exists(), f"Run `python -m tests.clients.install {group}` first."
    return INSTALLED / group


def install(group: str) -> None:
    """Install the locked versions of a group."""
    lock = FOLDER / f"{group}.lock"
    if lock.exists():
        subprocess.run([sys.executable, "-m", "venv", INSTALLED / group], check=True)
        subprocess.run([python_of(group), *PIP, lock], check=True)
        return
    folder = INSTALLED / group
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FOLDER / group / name, folder)
    node = find_node()
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run([*node.npm, "ci", *NPM_OPTIONS], cwd=folder, env={**os.environ, "PATH": path}, check=True)


def main(groups: list[str]) -> None:
    """Install groups side by side: each waits for its downloads."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(install, groups))


if __name__ == "__main__":
    main(sys.argv[1:])
