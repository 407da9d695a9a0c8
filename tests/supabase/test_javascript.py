"""Unit tests of the embedded stack's JavaScript, run by Node's own test runner."""

import subprocess

from tally.local.node import STACK_FOLDER, find_node


def test_unit_tests_of_the_stack_pass() -> None:
    command = [str(find_node().program), "--test", "--test-reporter=tap"]
    ended = subprocess.run(
        command, cwd=STACK_FOLDER, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert "# pass 0" not in ended.stdout
