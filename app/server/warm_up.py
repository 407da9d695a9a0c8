"""Do at the server's start what its first visitor would otherwise wait for."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread

from app.server.precompress import ASSETS
from app.server.preload import preload_header

LOG = logging.getLogger(__name__)
# Streamlit's page itself and the parts of the overview: what nearly every visit asks for.
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
async def head_start(_: object) -> AsyncIterator[None]:
    """The server's lifespan: it serves at once, and gets ready beside that."""
    Thread(target=_get_ready, name="head start", daemon=True).start()
    yield


def _get_ready() -> None:
    try:
        _import_pages()
        _compress_first_assets()
        preload_header()
    except Exception:
        LOG.exception("The head start failed; the first visitor waits a little longer.")


def _import_pages() -> None:
    """The slow imports, and the first figure, for which Plotly loads its defaults."""
    import pandas as pd

    from app import data  # noqa: F401 - imports pandas and supabase
    from app.ui import charts, theme

    totals = pd.Series({"none": 0.0})
    charts.spend_by_name(totals, {}, {}, theme.LIGHT, "USD").to_json()


def _compress_first_assets() -> None:
    for path in ASSETS.files:
        if path.rpartition("/")[2].startswith(FIRST_ASSETS):
            ASSETS.compress(path, "br")
