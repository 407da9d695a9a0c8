"""`python -m tally.invoices.pdf_worker`: the text of a PDF on standard input, as JSON, within limits.

Untrusted input: the process may use little time and memory, and open no file to write, no connection and no
program.
"""

import io
import json
import sys
from typing import Any

if sys.platform != "win32":
    import resource

CPU_SECONDS = 5
MEMORY_BYTES = 512 * 1024 * 1024
MAX_PAGES = 20
MAX_CHARACTERS = 200_000
MIN_CHARACTERS = 20  # a scan has no text, or a stamp alone
FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "ctypes.",
)


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: raise for what reading a text never needs."""
    is_written = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if is_written or event.startswith(FORBIDDEN):
        raise PermissionError(event)


def read_pages(data: bytes) -> dict[str, Any]:
    """`pages`, or the `problem` with the file in a word."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        return {"problem": "encrypted"}
    count = len(reader.pages)
    if count > MAX_PAGES:
        return {"problem": "pages", "count": count}
    pages: list[str] = []
    for page in reader.pages:
        pages.append(page.extract_text(extraction_mode="layout"))
        if sum(map(len, pages)) > MAX_CHARACTERS:
            return {"problem": "long"}
    if sum(len("".join(page.split())) for page in pages) < MIN_CHARACTERS:
        return {"problem": "scanned"}
    return {"pages": pages}


def main() -> None:
    """Answer what was asked on standard input, within limits."""
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    sys.addaudithook(refuse)
    try:
        answer = read_pages(data)
    except (MemoryError, RecursionError):
        answer = {"problem": "bomb"}
    except Exception as error:  # pypdf raises all kinds for damaged files
        answer = {"problem": "bomb" if "limit" in str(error).casefold() else "damaged"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
