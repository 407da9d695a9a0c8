"""Durations in one or two units."""

from app.formats.durations import format_duration
from tests.every_case import every_case


@every_case(
    [
        (0, "0 s"),
        (-5, "0 s"),
        (400, "0.4 ms"),
        (999, "1.0 ms"),
        (340_000, "340 ms"),
        (999_499, "999 ms"),
        (999_500, "1.00 s"),
        (18_420_000, "18.42 s"),
        (59_996_000, "1 min 0 s"),
        (185_000_000, "3 min 5 s"),
        (3_599_600_000, "1 h 0 min"),
        (7_440_000_000, "2 h 4 min"),
        (31_622_400_000_000, "8,784 h 0 min"),
    ]
)
def test_duration_has_the_units_that_matter(duration_us: int, text: str) -> None:
    assert format_duration(duration_us) == text
