"""The text of a PDF, read by a process of its own with limits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from tally.invoices.invoice import InvoiceRefused

MAX_BYTES = 5_000_000
SECONDS = 20  # beside the worker's own limit of CPU time: a busy machine is slower
# Each may take half a gigabyte: others wait.
_PROCESSES = BoundedSemaphore(2)
ROOT = Path(__file__).resolve().parent.parent.parent
PROBLEMS = {
    "encrypted": "{name} is protected with a password. Print it into a new PDF without one, then add that.",
    "pages": "{name} has {count:,} pages; 20 are possible. Save those of the invoice as a PDF of their own.",
    "long": "{name} has more text than an invoice. Save the pages with the invoice as a PDF of their own.",
    "scanned": "{name} is a scan without text. Download the seller's PDF, or enter the invoice yourself.",
    "damaged": "{name} is damaged. Download it again, or enter the invoice yourself.",
    "bomb": "{name} unpacks into far more than an invoice, so it was not read. Enter the invoice yourself.",
}


def read_pdf(data: bytes, filename: str) -> list[str]:
    """The text of each page, its columns in their places; raises InvoiceRefused."""
    if len(data) > MAX_BYTES:
        raise InvoiceRefused(
            f"{filename} is larger than 5 MB. Download the invoice alone, without attachments."
        )
    if b"%PDF-" not in data[:1024]:
        raise InvoiceRefused(f"{filename} is not a PDF. Download it again from the seller.")
    with _PROCESSES:
        answer = _ask_worker(data)
    problem = answer.get("problem")
    if problem:
        sentence = PROBLEMS.get(problem, PROBLEMS["damaged"])
        raise InvoiceRefused(sentence.format(name=filename, count=answer.get("count", 0)))
    return [str(page) for page in answer["pages"]]


def _ask_worker(data: bytes) -> dict[str, Any]:
    """The worker's answer; one that was stopped met a bomb."""
    known = {
        name: os.environ[name] for name in ("PATH", "LANG", "COVERAGE_PROCESS_CONFIG") if name in os.environ
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tally.invoices.pdf_worker"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            cwd=ROOT,
            env=known,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"problem": "bomb"}
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return {"problem": "bomb"}
    return answer if isinstance(answer, dict) else {"problem": "damaged"}
