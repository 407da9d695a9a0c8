"""Names of a browser as a device: kept in a cookie, in bounds, whatever the browser sends."""

from collections.abc import Iterator

import pytest
from starlette.responses import Response

from app.auth.cookies import MAX_DEVICES, devices_of, remember_device
from app.auth.same_origin import app_origin
from tally.core.settings import Settings


@pytest.fixture(autouse=True)
def over_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(
        "app.auth.same_origin.load_settings", lambda: Settings.model_construct(app_origin=None)
    )
    app_origin.cache_clear()
    yield
    app_origin.cache_clear()


def cookie_after(cookies: dict[str, str], device: str) -> str | None:
    response = Response()
    remember_device(response, cookies, device)
    header = response.headers.get("set-cookie")
    return header.partition("=")[2].partition(";")[0] if header else None


def test_latest_name_comes_first_and_none_twice() -> None:
    assert cookie_after({}, "a.1") == "a.1"
    assert cookie_after({"tally-device": "a.1~b.2"}, "b.2") == "b.2~a.1"
    assert devices_of({"tally-device": "b.2~a.1"}) == "b.2 a.1"


def test_number_of_names_is_bounded() -> None:
    many = "~".join(f"n{count}.x" for count in range(50))
    assert len(devices_of({"tally-device": many}).split()) == MAX_DEVICES
    assert (cookie_after({"tally-device": many}, "new.x") or "").split("~")[0] == "new.x"
    assert len((cookie_after({"tally-device": many}, "new.x") or "").split("~")) == MAX_DEVICES


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.\r\nSet-Cookie: x", "ä.b", "a." + "b" * 101])
def test_what_is_no_name_is_dropped(text: str) -> None:
    assert devices_of({"tally-device": f"{text}~a.1"}) == "a.1"
    assert cookie_after({}, text) is None


def test_cookie_is_out_of_reach_of_scripts() -> None:
    response = Response()
    remember_device(response, {}, "a.1")
    assert "httponly" in response.headers["set-cookie"].lower()
    assert "samesite=lax" in response.headers["set-cookie"].lower()
