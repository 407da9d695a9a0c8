"""The nightly fetch of exchange rates, from a fake server of the European Central Bank."""

import io
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zipfile import ZipFile

import pytest

from forecasting.nightly import run as nightly
from forecasting.nightly.run import DONE, Options
from tally.currency.rates import bundled_rates
from tests.forecasting.nightly_database import NightlyDatabase

RATES = "select day, currency, rate from public.exchange_rates order by day, currency"


class Bank:
    """A server with the bank's file, or with the content that a test sets."""

    def __init__(self) -> None:
        self.status, self.content = 200, b""
        self.requests: list[str] = []
        bank = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bank.requests.append(self.path)
                self.send_response(bank.status)
                self.send_header("Content-Length", str(len(bank.content)))
                self.end_headers()
                self.wfile.write(bank.content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/stats"

    def publish(self, *lines: str) -> None:
        """Make these lines the content of its file."""
        buffer = io.BytesIO()
        with ZipFile(buffer, "w") as archive:
            archive.writestr("eurofxref-hist.csv", "\n".join(("Date,USD,JPY,", *lines)))
        self.content = buffer.getvalue()


@pytest.fixture
def bank() -> Iterator[Bank]:
    """A running server."""
    bank = Bank()
    thread = threading.Thread(target=bank.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield bank
    bank.server.shutdown()
    bank.server.server_close()
    thread.join()


def run_nightly(db: NightlyDatabase, address: str) -> dict[str, Any]:
    """Run the job and return its step for exchange rates."""
    assert nightly.run(db.url, Options(workers=0, rates_address=address)) == DONE
    [[steps]] = db.rows(
        "select steps from public.job_runs where workspace_id is null order by started_at desc limit 1"
    )
    return next(step for step in steps if step["step"] == "exchange rates")


def after(days: int) -> date:
    """So many days after the newest bundled rate."""
    return bundled_rates().newest_day + timedelta(days)


def test_rates_after_the_bundled_ones_are_stored_once(db: NightlyDatabase, bank: Bank) -> None:
    bank.publish(f"{after(3)},1.5,180,", f"{after(1)},1.4,N/A,", f"{after(0)},9,9,", "1999-01-04,1.1,1,")
    assert run_nightly(db, bank.address)["count"] == 3
    assert bank.requests == ["/stats/eurofxref-hist.zip"]
    expected = [
        (after(1), "USD", Decimal("1.4")),
        (after(3), "JPY", Decimal(180)),
        (after(3), "USD", Decimal("1.5")),
    ]
    assert db.rows(RATES) == expected
    assert run_nightly(db, bank.address)["count"] == 0
    assert db.rows(RATES) == expected


def test_corrected_rate_replaces_the_stored_one(db: NightlyDatabase, bank: Bank) -> None:
    bank.publish(f"{after(1)},1.4,170,")
    run_nightly(db, bank.address)
    bank.publish(f"{after(1)},1.45,170,")
    assert run_nightly(db, bank.address)["count"] == 1
    assert db.rows(RATES)[1] == (after(1), "USD", Decimal("1.45"))


def test_rates_of_future_days_are_ignored(db: NightlyDatabase, bank: Bank) -> None:
    future = datetime.now(UTC).date() + timedelta(2)
    bank.publish(f"{future},1.5,180,")
    assert run_nightly(db, bank.address)["count"] == 0
    assert db.rows(RATES) == []


@pytest.mark.parametrize(
    ("status", "content", "note"),
    [
        (503, b"", "the European Central Bank answered 503. The stored rates stay in use."),
        (302, b"", "the European Central Bank answered 302."),
        (200, b"<html>maintenance</html>", "not a valid archive"),
        (200, b"0" * 10_000_001, "far larger or slower"),
        (200, b"", "not a valid archive"),
    ],
)
def test_answer_without_rates_is_noted_and_no_failure(
    db: NightlyDatabase, bank: Bank, status: int, content: bytes, note: str
) -> None:
    bank.status, bank.content = status, content
    step = run_nightly(db, bank.address)
    assert note in step["note"]
    assert (step["error"], step["count"]) == (None, None)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://", "nonsense", "http://[::1"])
def test_unreachable_address_is_noted_and_no_failure(db: NightlyDatabase, address: str) -> None:
    assert "did not answer" in run_nightly(db, address)["note"]


def test_replayed_run_fetches_no_rates(db: NightlyDatabase, bank: Bank) -> None:
    options = Options(as_of=date(2026, 1, 1), workers=0, rates_address=bank.address)
    assert nightly.run(db.url, options) == DONE
    assert bank.requests == []


@pytest.mark.parametrize(("setting", "times"), [("", 1), ("off", 0)])
def test_address_of_the_rates_is_a_setting(
    call: Callable[..., int],
    db: NightlyDatabase,
    bank: Bank,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    times: int,
) -> None:
    bank.publish(f"{after(1)},1.4,170,")
    monkeypatch.setenv("EXCHANGE_RATES_URL", setting or bank.address)
    assert call("--workers", "0", database_url=db.url) == DONE
    assert len(bank.requests) == times
