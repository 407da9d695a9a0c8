"""Warm-up at the server's start, so that the first visitor does not wait."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread

from app.server.bundle import START, find_bundle
from app.server.bundled import read_code
from app.server.precompress import ASSETS
from app.server.preload import ELEMENTS, preload_header

LOG = logging.getLogger(__name__)
# Streamlit's page and the elements that most visits need.
FIRST_ASSETS = (
    "index.",
    "protobuf.",
    "react-dom.",
    "StreamlitMarkdown.",
    "Metric.",
    "PlotlyChart.",
    "DataFrame.",
)


@asynccontextmanager
async def warm_up(_: object) -> AsyncIterator[None]:
    """Lifespan of the server, which serves while it warms up."""
    Thread(target=_warm_up, name="warm-up", daemon=True).start()
    yield


def _warm_up() -> None:
    try:
        _import_pages()
        _compress_first_assets()
        for path in ("/", *ELEMENTS):
            preload_header(path)
        _exempt_from_garbage_collection()
    except Exception:
        LOG.exception("The warm-up failed; the first visitor waits a little longer.")


def _import_pages() -> None:
    """Import slow packages and draw a figure, so that Plotly loads its defaults."""
    import pandas as pd

    from app import data  # noqa: F401 - imports pandas and supabase
    from app.ui import charts, theme

    nothing = pd.DataFrame({"one": [0.0], "other": [0.0]}, index=pd.to_datetime(["2026-01-01"]))
    charts.pairs(nothing, theme.LIGHT, "USD").to_json()


def _exempt_from_garbage_collection() -> None:
    """Leave imported code out of the collection of garbage that Streamlit runs after every run of a page."""
    gc.collect()
    gc.freeze()


def _compress_first_assets() -> None:
    bundle = find_bundle()
    for path in ASSETS.files:
        name = path.rpartition("/")[2]
        if not name.startswith(FIRST_ASSETS):
            continue
        if bundle is None or path.endswith(".css"):
            ASSETS.compress(path, "br")
        elif name not in bundle.names:
            read_code(name, "br")
    if bundle is not None:
        read_code(START, "br")
