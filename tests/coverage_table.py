"""A table of coverage by package and room; fails when too few lines of a package ran."""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPORT = Path(".cache/coverage.json")
MIN_LINE_SHARE = 0.95


class Counts:
    """Lines and branches of some files, and how many of them ran."""

    def __init__(self) -> None:
        self.lines = self.lines_run = self.branches = self.branches_run = 0

    def add(self, summary: Mapping[str, Any]) -> None:
        """Add the summary of a file."""
        self.lines += summary["num_statements"]
        self.lines_run += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_run += summary["covered_branches"]

    @property
    def line_share(self) -> float:
        """Lines that ran, of all lines."""
        return self.lines_run / self.lines if self.lines else 1.0

    @property
    def branch_share(self) -> float:
        """Branches that were taken, of all branches."""
        return self.branches_run / self.branches if self.branches else 1.0


def count_rooms(files: Mapping[str, Any]) -> dict[str, Counts]:
    """The counts of every package ("tally") and of every room in it ("tally/storage")."""
    counts: defaultdict[str, Counts] = defaultdict(Counts)
    for name, file in files.items():
        package, *rest = Path(name).parts
        rooms = {package, f"{package}/{rest[0]}"} if len(rest) > 1 else {package}
        for room in rooms:
            counts[room].add(file["summary"])
    return dict(sorted(counts.items()))


def find_short(counts: Mapping[str, Counts]) -> list[str]:
    """The packages of whose lines too few ran."""
    return [name for name, of in counts.items() if "/" not in name and of.line_share < MIN_LINE_SHARE]


def main() -> int:
    """Print the table and the lines that never ran."""
    files = json.loads(REPORT.read_text())["files"]
    counts = count_rooms(files)
    for name, file in sorted(files.items()):
        if file["missing_lines"]:
            print(f"{name}: {', '.join(map(str, file['missing_lines']))}")
    print(f"\n{'':24}{'lines':>8}{'run':>8}{'branches':>10}{'taken':>8}")
    for name, of in counts.items():
        print(f"{name:24}{of.lines:8}{of.line_share:8.1%}{of.branches:10}{of.branch_share:8.1%}")
    short = find_short(counts)
    if short:
        print(f"Fewer than {MIN_LINE_SHARE:.0%} of the lines ran: {', '.join(short)}", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
