"""The nightly fetch of exchange rates, from a server that stands in for the European Central Bank."""

import io
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zipfile import ZipFile

import pytest

from forecasting.nightly import run as nightly
from forecasting.nightly.run import DONE
from tally.currency.rates import bundled_rates
from tests.forecasting.house import House
from tests.forecasting.nightly.test_command import run

NEWEST = bundled_rates().newest_day
RATES = "select day, currency, rate from public.exchange_rates order by day, currency"


class Bank:
    """A server with the bank's file, or whatever a test puts in its place."""

    def __init__(self) -> None:
        self.status, self.content = 200, b""
        self.asked: list[str] = []
        bank = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bank.asked.append(self.path)
                self.send_response(bank.status)
                self.send_header("Content-Length", str(len(bank.content)))
                self.end_headers()
                self.wfile.write(bank.content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/stats"

    def publish(self, *lines: str) -> None:
        """Put these lines into its file."""
        buffer = io.BytesIO()
        with ZipFile(buffer, "w") as archive:
            archive.writestr("eurofxref-hist.csv", "\n".join(("Date,USD,JPY,", *lines)))
        self.content = buffer.getvalue()


@pytest.fixture
def bank() -> Iterator[Bank]:
    """A bank that answers."""
    bank = Bank()
    thread = threading.Thread(target=bank.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield bank
    bank.server.shutdown()
    bank.server.server_close()
    thread.join()


def work(house: House, address: str) -> dict[str, Any]:
    """A real night, and what it says about its rates."""
    assert nightly.run(house.url, workers=0, rates_address=address) == DONE
    [[steps]] = house.rows(
        "select steps from public.job_runs where user_id is null order by started_at desc limit 1"
    )
    return next(step for step in steps if step["step"] == "exchange rates")


def after(days: int) -> date:
    return NEWEST + timedelta(days)


def test_rates_after_the_installed_ones_are_kept_once(house: House, bank: Bank) -> None:
    bank.publish(f"{after(3)},1.5,180,", f"{after(1)},1.4,N/A,", f"{NEWEST},9,9,", "1999-01-04,1.1,1,")
    assert work(house, bank.address)["count"] == 3
    assert bank.asked == ["/stats/eurofxref-hist.zip"]
    expected = [
        (after(1), "USD", Decimal("1.4")),
        (after(3), "JPY", Decimal(180)),
        (after(3), "USD", Decimal("1.5")),
    ]
    assert house.rows(RATES) == expected
    assert work(house, bank.address)["count"] == 0
    assert house.rows(RATES) == expected


def test_a_corrected_rate_replaces_the_one_before(house: House, bank: Bank) -> None:
    bank.publish(f"{after(1)},1.4,170,")
    work(house, bank.address)
    bank.publish(f"{after(1)},1.45,170,")
    assert work(house, bank.address)["count"] == 1
    assert house.rows(RATES)[1] == (after(1), "USD", Decimal("1.45"))


def test_days_that_have_not_come_are_not_believed(house: House, bank: Bank) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(2)
    bank.publish(f"{tomorrow},1.5,180,")
    assert work(house, bank.address)["count"] == 0
    assert house.rows(RATES) == []


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (503, b"", "the European Central Bank answered 503. Those of before count on."),
        (302, b"", "the European Central Bank answered 302."),
        (200, b"<html>maintenance</html>", "not the archive that it should be"),
        (200, b"0" * 10_000_001, "far larger or slower"),
        (200, b"", "not the archive that it should be"),
    ],
)
def test_a_bank_without_its_file_is_a_note_and_no_failure(
    house: House, bank: Bank, status: int, content: bytes, said: str
) -> None:
    bank.status, bank.content = status, content
    step = work(house, bank.address)
    assert said in step["note"]
    assert (step["error"], step["count"]) == (None, None)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://", "nonsense", "http://[::1"])
def test_an_address_where_nobody_answers_is_a_note_and_no_failure(house: House, address: str) -> None:
    assert "did not answer" in work(house, address)["note"]


def test_a_replayed_night_asks_nobody(house: House, bank: Bank) -> None:
    assert nightly.run(house.url, as_of=date(2026, 1, 1), workers=0, rates_address=bank.address) == DONE
    assert bank.asked == []


@pytest.mark.parametrize(("setting", "times"), [("", 1), ("off", 0)])
def test_whom_to_ask_is_a_setting(
    house: House, bank: Bank, monkeypatch: pytest.MonkeyPatch, setting: str, times: int
) -> None:
    bank.publish(f"{after(1)},1.4,170,")
    monkeypatch.setenv("EXCHANGE_RATES_URL", setting or bank.address)
    ended = run(house.url, "--workers", "0")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert len(bank.asked) == times
