"""The environment of programs that tests start with few variables."""

import os
from pathlib import Path


def program_environment(**variables: str) -> dict[str, str]:
    """These variables, and those that Python needs: programs, checkout, certificates, coverage."""
    needed = {name: os.environ[name] for name in ("PATH", "SSL_CERT_FILE")}
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return needed | measured | {"PYTHONPATH": str(Path(__file__).parents[1])} | variables
