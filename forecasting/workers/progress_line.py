"""A counter of forecast series for the terminal."""

import sys
from typing import TextIO

LINE_EVERY = 100


class ProgressLine:
    """Count series: on a terminal in one line that is rewritten, elsewhere with a new line every hundred."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.done = 0

    def count(self) -> None:
        """Add one series."""
        self.done += 1
        if self.stream.isatty():
            self.stream.write(f"\rForecast {self.done} series …")
            self.stream.flush()
        elif self.done % LINE_EVERY == 0:
            self.stream.write(f"Forecast {self.done} series …\n")

    def end(self) -> None:
        """Clear the line."""
        if self.done and self.stream.isatty():
            self.stream.write("\r\033[K")
