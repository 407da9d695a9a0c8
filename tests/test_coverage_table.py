"""The table of coverage adds up files by room and names packages that are short."""

from typing import Any

from tests.coverage_table import count_rooms, find_short


def of(lines: int, run: int, branches: int = 0, taken: int = 0) -> dict[str, Any]:
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": run,
            "num_branches": branches,
            "covered_branches": taken,
        }
    }


def test_files_add_up_to_rooms_and_packages() -> None:
    counts = count_rooms(
        {"tally/core/a.py": of(8, 6, 2, 1), "tally/core/b.py": of(2, 2), "tally/c.py": of(10, 10)}
    )
    assert list(counts) == ["tally", "tally/core"]
    assert (counts["tally/core"].line_share, counts["tally"].line_share) == (0.8, 0.9)
    assert counts["tally"].branch_share == 0.5


def test_only_packages_under_the_bar_are_short() -> None:
    counts = count_rooms(
        {"app/ui/a.py": of(10, 9), "tally/core/a.py": of(10, 1), "tally/core/b.py": of(990, 990)}
    )
    assert find_short(counts) == ["app"]


def test_room_without_code_is_whole() -> None:
    assert find_short(count_rooms({"app/__init__.py": of(0, 0)})) == []
