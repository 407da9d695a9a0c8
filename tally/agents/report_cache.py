"""A report that was made before: the same question about the same logs gets the same answer, at once."""

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tally.agents.machine import collecting_folder
from tally.agents.payment import find_payment
from tally.agents.scan import LogFile, find_logs

FORMAT = 1  # of what is kept
FILE = "report.json"
# What the answer comes from, besides the logs.
MADE_WITH = ("genai_prices", "tally.agents.report", "tally.agents.records", "tally.pricing.list_prices")


def answer_again(arguments: Sequence[str]) -> bool:
    """Print what these arguments were answered last time; False where anything may have changed."""
    try:
        kept = json.loads((collecting_folder() / FILE).read_bytes())
        if kept["key"] != fingerprint(arguments, find_logs(Path.home(), os.environ)):
            return False
        sys.stdout.write(kept["answer"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return True


def keep_answer(key: str, answer: str) -> None:
    """Remember an answer for as long as its question, and what it comes from, are the same."""
    from tally.core.private_files import write_private  # who asks again does without

    with suppress(OSError):
        write_private(collecting_folder() / FILE, json.dumps({"key": key, "answer": answer}))


def fingerprint(arguments: Sequence[str], logs: Mapping[str, Sequence[LogFile]]) -> str:
    """The same while neither question nor logs, prices and settings change."""
    digest = hashlib.sha256(repr((FORMAT, list(arguments), _made_with(), _settings())).encode())
    for name, files in logs.items():
        payment = find_payment(name, Path.home(), os.environ)
        digest.update(repr((name, payment.paid_by, sorted(payment.plans))).encode())
        for file in files:
            digest.update(repr((os.fspath(file.path), file.inode, file.size, file.mtime_ns)).encode())
    return digest.hexdigest()


def _made_with() -> list[Any]:
    """Which prices and which Tally are installed, without loading them."""
    origins = [spec.origin for name in MADE_WITH if (spec := find_spec(name))]
    return [(origin, Path(origin).stat().st_mtime_ns) for origin in origins if origin]


def _settings() -> list[str]:
    """Zone and remembered payments; the variables of the agents show in which logs are found."""
    said = collecting_folder() / "paid-by.json"
    zone = os.environ.get("TZ") or str(Path("/etc/localtime").resolve())
    return [zone, said.read_text(encoding="utf-8") if said.exists() else ""]
