"""The warm-up runs beside the server's start, and its failure does not stop the server."""

import asyncio
import gc
import threading

import pytest

from app.server import warm_up as module
from app.server.precompress import ASSETS
from tests.supabase.parts import eventually


async def start() -> None:
    async with module.warm_up(None):
        pass


def test_chart_script_is_compressed_before_the_first_request() -> None:
    plotly = next(path for path in ASSETS.files if "/PlotlyChart." in path)
    asyncio.run(start())
    eventually(lambda: ASSETS.ready(plotly, "br") is not None)


def test_every_first_asset_exists() -> None:
    names = [path.rpartition("/")[2] for path in ASSETS.files]
    for first in module.FIRST_ASSETS:
        assert any(name.startswith(first) for name in names), first


def test_imported_code_is_exempt_from_garbage_collection() -> None:
    gc.unfreeze()
    asyncio.run(start())
    eventually(lambda: gc.get_freeze_count() > 100_000)


def test_failed_warm_up_is_logged_and_the_server_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("no space left")

    monkeypatch.setattr(module, "_compress_first_assets", fail)
    asyncio.run(start())
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(30)
    assert "the first visitor waits a little longer" in caplog.text
