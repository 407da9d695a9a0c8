"""Ending child processes."""

import signal
import subprocess
import sys

from tally.local import children

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


def test_a_child_that_ends_when_asked_is_not_killed() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
    assert not children.has_ended(child)
    children.terminate(child, 10)
    assert child.returncode == -signal.SIGTERM
    assert children.has_ended(child)


def test_a_child_that_does_not_end_when_asked_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()  # it ignores the signal from here on
        children.terminate(child, 0.05)
    assert child.returncode == -signal.SIGKILL


def test_no_child_has_not_ended_and_need_not_be_ended() -> None:
    children.terminate(None, 10)
    assert not children.has_ended(None)
