"""The counter of series, on a terminal and in a log."""

import io

from forecasting.workers.progress_line import LINE_EVERY, ProgressLine


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_terminal_shows_one_line_and_clears_it() -> None:
    stream = Terminal()
    progress = ProgressLine(stream)
    progress.count()
    progress.count()
    assert stream.getvalue() == "\rForecast 1 series …\rForecast 2 series …"
    progress.end()
    assert stream.getvalue().endswith("\r\033[K")


def test_log_gets_a_line_every_hundred_series() -> None:
    stream = io.StringIO()
    progress = ProgressLine(stream)
    for _ in range(2 * LINE_EVERY + 1):
        progress.count()
    progress.end()
    assert stream.getvalue() == "Forecast 100 series …\nForecast 200 series …\n"
