"""What the first visitor needs is made ready beside the start, and a failure there stops nobody."""

import asyncio
import threading

import pytest

from app.server import warm_up as module
from app.server.precompress import ASSETS
from tests.supabase.parts import eventually


async def start() -> None:
    async with module.head_start(None):
        pass


def test_charts_script_is_compressed_before_anybody_asks() -> None:
    plotly = next(path for path in ASSETS.files if "/PlotlyChart." in path)
    asyncio.run(start())
    eventually(lambda: ASSETS.ready(plotly, "br") is not None, 30)


def test_every_first_asset_is_there() -> None:
    names = [path.rpartition("/")[2] for path in ASSETS.files]
    for first in module.FIRST_ASSETS:
        assert any(name.startswith(first) for name in names), first


def test_failure_is_logged_and_the_server_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("no space left")

    monkeypatch.setattr(module, "_compress_first_assets", fail)
    asyncio.run(start())
    for thread in threading.enumerate():
        if thread.name == "head start":
            thread.join(30)
    assert "the first visitor waits a little longer" in caplog.text
