"""`python -m tests.ccusage.install`: install the ccusage that Tally's reading of logs is compared with."""

import os
import platform
import subprocess
import sys
from pathlib import Path

from tally.local.node import NPM_OPTIONS, find_node

FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "node_modules" / ".bin" / "ccusage"
# It comes as a program for one kind of machine; on others there is nothing to compare with.
IS_FOR_THIS_MACHINE = sys.platform == "linux" and platform.machine() == "x86_64"


def main() -> int:
    """Install the locked version."""
    node = find_node()
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        [*node.npm, "ci", *NPM_OPTIONS], cwd=FOLDER, env={**os.environ, "PATH": path}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
