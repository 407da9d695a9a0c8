"""Random values that logs of a corpus are made of, the same in every run."""

import json
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

FIRST_DAY = datetime(2026, 8, 3, 6, 30, tzinfo=UTC)
DAYS = 90
WORDS = (
    *("return", "the", "value", "of", "each", "request", "that", "was", "counted", "once", "def", "load"),
    *('a "quoted" name,', "\\\\ and", "\ttabs", "across\nlines", "Größe", "数 🙂"),
    '{"usage":{"input_tokens":1}}',
)
# Sizes of texts in a session: tool results are long, responses are short.
TOOL_RESULT_BYTES = (200, 400, 900, 2_500, 7_000, 24_000)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Dice(random.Random):
    """Reproducible random numbers, texts, names and times."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        pool = random.Random(7)
        self._text = " ".join(pool.choice(WORDS) for _ in range(60_000))

    def text(self, sizes: tuple[int, ...]) -> str:
        length = self.choice(sizes)
        start = self.randrange(len(self._text) - length)
        return self._text[start : start + length]

    def name(self, prefix: str = "", length: int = 24) -> str:
        return prefix + "".join(self.choices(LETTERS, k=length))

    def uuid(self) -> str:
        return str(UUID(int=self.getrandbits(128), version=4))

    def moment(self) -> datetime:
        minutes = self.randrange(DAYS * 24 * 60)
        return FIRST_DAY + timedelta(minutes=minutes, milliseconds=self.randrange(60_000))


def format_instant(moment: datetime) -> str:
    """Format an instant as the agents do."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def line(record: object) -> bytes:
    """Encode a line of JSON as the agents do."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
