"""Progress is drawn on a terminal only, and labels are text."""

import io
import re

import pytest

from tally.cli import meter
from tally.cli.meter import ByteMeter, RowMeter


class Terminal(io.StringIO):
    """A standard error stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called by the test itself: pytest replaces standard error after fixtures have run."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_pipe_gets_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with ByteMeter() as shown:
        shown.show(1, 2, "Claude Code")
    assert capsys.readouterr().err == ""


def test_terminal_shows_bytes_read_by_label(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with ByteMeter() as shown:
        shown.show(1_500_000, 3_000_000, "[bold]Codex")
    assert "[bold]Codex" in terminal.getvalue()
    assert "1.5/3.0 MB" in terminal.getvalue()


def test_terminal_shows_rows_out_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with RowMeter() as shown:
        shown.show(5_000, 100_000, "Importing")
    assert "Importing" in terminal.getvalue()
    assert re.search(r"5000/100000", terminal.getvalue())


def test_bar_is_not_redrawn_for_every_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    monkeypatch.setattr(meter, "REFRESH_SECONDS", 60)
    with ByteMeter() as shown:
        shown.show(1, 9, "Codex")
        drawn = len(terminal.getvalue())
        shown.show(2, 9, "Codex")
        assert len(terminal.getvalue()) == drawn


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    with ByteMeter() as shown:
        shown.show(1, 2, "Codex")
    assert "\x1b[3" not in terminal.getvalue()
