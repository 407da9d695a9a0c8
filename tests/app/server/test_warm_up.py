"""The warm-up runs beside the server's start, and its failure does not stop the server."""

import asyncio
import gc
import threading

import pytest

from app.server import warm_up as module
from app.server.bundle import START
from app.server.bundled import read_code
from app.server.chunks import names_of
from app.server.precompress import ASSETS
from tests.supabase.parts import eventually


async def start() -> None:
    async with module.warm_up(None):
        pass


def wait_for_warm_up() -> None:
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(60)


def test_start_and_charts_are_compressed_before_the_first_request() -> None:
    read_code.cache_clear()
    asyncio.run(start())
    wait_for_warm_up()
    made = read_code.cache_info().misses
    for name in (START, min(names_of(("PlotlyChart.",)))):
        assert read_code(name, "br")
    assert read_code.cache_info().misses == made


def test_charts_are_compressed_where_there_is_no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_bundle", lambda: None)
    plotly = next(path for path in ASSETS.files if "/PlotlyChart." in path)
    module._compress_first_assets()
    assert ASSETS.ready(plotly, "br") is not None


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
    wait_for_warm_up()
    assert "the first visitor waits a little longer" in caplog.text
