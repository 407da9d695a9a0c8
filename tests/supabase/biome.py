"""`python -m tests.supabase.biome`: lint the embedded stack's JavaScript, installing Biome if it is missing.

With arguments it passes them to Biome, for example `check --write` to fix what can be fixed.
"""

import subprocess
import sys

from tally.local.node import MODULES, NPM_OPTIONS, STACK_FOLDER, find_node

BIOME = MODULES / "@biomejs" / "biome" / "bin" / "biome"
LINT = ("ci", "--error-on-warnings")


def main(arguments: list[str]) -> int:
    """Run Biome and return its exit code."""
    node = find_node()
    if not BIOME.exists():
        # Adds the development packages to those of the running stack, which `npm ci` would remove first.
        install = [*node.npm, "install", "--include=dev", "--no-save", *NPM_OPTIONS]
        subprocess.run(install, cwd=STACK_FOLDER, check=True)
    command = [str(node.program), str(BIOME), *(arguments or LINT)]
    return subprocess.run(command, cwd=STACK_FOLDER, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
