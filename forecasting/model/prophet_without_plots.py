"""Prophet imported without Matplotlib, which takes as long to import as all the rest: nothing here plots.

Prophet allows for a missing Matplotlib, but logs it as an error.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without_matplotlib() -> Iterator[None]:
    """Make importing Matplotlib fail, unless it has been imported already."""
    if "matplotlib" in sys.modules:
        yield
        return
    logging.getLogger("prophet.plot").disabled = True
    sys.modules["matplotlib"] = None  # type: ignore[assignment]  # documented: an import then fails
    try:
        yield
    finally:
        del sys.modules["matplotlib"]


with _without_matplotlib():
    from prophet import Prophet
    from prophet.models import IStanBackend

__all__ = ["IStanBackend", "Prophet"]
