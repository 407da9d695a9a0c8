"""Stored result of `tally collect --dry-run --json`, valid while nothing that produced it has changed."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from tally.accounts.session_file import load_workspace_name
from tally.agents.folder_rules import FILE as FOLDERS_FILE
from tally.agents.folder_rules import has_rules
from tally.agents.log_files import LogFile
from tally.agents.machine import collecting_folder
from tally.agents.payment import PAYMENTS_FILE, find_payment
from tally.agents.registry import find_logs
from tally.core.errors import TallyError

FORMAT = 4  # version of the stored report's format
FILE = "report.json"
PACKAGE = Path(__file__).parents[1]  # all of `tally`, so that no list of modules has to be maintained
# An upgrade of the system's time zone data replaces files in these folders, which changes the folders' times.
ZONE_FOLDERS = tuple(map(Path, ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo")))


def print_cached_report(arguments: Sequence[str]) -> bool:
    """Print the stored report for these arguments; False when there is none or anything may have changed."""
    try:
        if has_rules(collecting_folder()):  # what they say also depends on symbolic links
            return False
        stored = json.loads((collecting_folder() / FILE).read_bytes())
        if stored["key"] != fingerprint(arguments, find_logs(Path.home(), os.environ)):
            return False
        sys.stdout.write(stored["answer"])
        sys.stdout.flush()
    except (OSError, ValueError, TypeError, KeyError, TallyError):
        return False
    return True


def store_report(key: str, report: str) -> None:
    """Store a printed report under the fingerprint of its inputs."""
    from tally.core.private_files import write_private  # lazy: not needed to print a stored report

    with suppress(OSError):
        write_private(collecting_folder() / FILE, json.dumps({"key": key, "answer": report}))


def fingerprint(arguments: Sequence[str], logs: Mapping[str, Sequence[LogFile]]) -> str:
    """Digest of everything a report depends on: arguments, logs, settings, code, prices, time zones."""
    inputs = (FORMAT, sys.version, list(arguments), _settings(), list(_installation()))
    digest = hashlib.sha256(repr(inputs).encode())
    for name, files in logs.items():
        payment = find_payment(name, Path.home(), os.environ)
        digest.update(repr((name, payment.paid_by, sorted(payment.plans))).encode())
        for file in files:
            digest.update(repr((os.fspath(file.path), file.inode, file.size, file.mtime_ns)).encode())
    return digest.hexdigest()


def _installation() -> Iterator[object]:
    """Signatures of the code and data in use, without importing them (3 ms)."""
    for folder, inner, names in os.walk(PACKAGE):
        inner[:] = sorted(name for name in inner if name != "__pycache__")
        for name in sorted(names):
            yield _signature(Path(folder, name))
    spec = find_spec("genai_prices")
    if spec and spec.origin:
        package = Path(spec.origin).parent
        yield from map(_signature, sorted(package.glob("*.py")))
        # Names of sibling folders include each library's version: prices, JSON parser, time zone data.
        yield sorted(path.name for path in package.parent.iterdir())
    yield from (_signature(folder) for folder in ZONE_FOLDERS if folder.exists())


def _signature(path: Path) -> tuple[str, int, int, int]:
    status = path.stat()
    return os.fspath(path), status.st_ino, status.st_size, status.st_mtime_ns


def _settings() -> list[str]:
    """Time zone, workspace, folder rules and stored payments.

    The agents' variables only change which logs are found.
    """
    payments = collecting_folder() / PAYMENTS_FILE
    workspace = load_workspace_name(collecting_folder())
    zone = os.environ.get("TZ") or str(Path("/etc/localtime").resolve())
    rules = collecting_folder() / FOLDERS_FILE
    texts = [path.read_text(encoding="utf-8") if path.exists() else "" for path in (payments, rules)]
    return [zone, workspace, *texts]
