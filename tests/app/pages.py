"""Opening a page of the dashboard in a test, with the records of an account on the real stack."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import app
import app.auth.identity
from app import data
from app.auth.identity import User, database_of
from app.formats.text import WORD_JOINER
from app.ui.pages import DEFAULT_PAGE, PAGES
from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records

DASHBOARD = Path(app.__file__).parent / "dashboard.py"
SECONDS = 60


def usage(days_ago: int, cost: str | None, **values: Any) -> CostRecord:
    """A record of some days ago; billed usage of gpt-5.2 by default."""
    moment = datetime.now(UTC) - timedelta(days=days_ago, minutes=values.pop("minutes_ago", 0))
    fields: dict[str, Any] = {
        "provider": "openai",
        "timestamp": moment,
        "model_name": "gpt-5.2",
        "cost_usd": None if cost is None else Decimal(cost),
        "source_key": identity(days_ago, cost, str(sorted(values.items(), key=str))),
    }
    return CostRecord(**fields | values)


def save(user: User, records: Sequence[CostRecord]) -> None:
    """Save records to the account."""
    saved = save_records(database_of(user), records)
    assert saved.inserted == len(records), saved


def spent(user: User) -> Decimal:
    """The money of all days."""
    daily = data.load_daily(user, None, None)
    return sum((cost for cost in daily["cost_usd"] if cost is not None), Decimal(0))


def open_page(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    page: str = DEFAULT_PAGE,
    address: dict[str, str] | None = None,
) -> AppTest:
    """Run the dashboard on one of its pages, in the user's workspace; only the sign-in is faked."""
    account = user.in_personal_workspace()
    monkeypatch.setattr(app.auth.identity, "current_account", lambda: account)
    st.cache_data.clear()
    dashboard = AppTest.from_file(str(DASHBOARD), default_timeout=SECONDS)
    if page != DEFAULT_PAGE:
        # By its address, as a bookmark does: `switch_page` would first need a run of the Overview.
        dashboard._page_hash = calc_hash(next(known.address for known in PAGES if known.name == page))
    dashboard.query_params |= address or {}
    if user.workspace != account.workspace:
        dashboard.query_params["workspace"] = user.workspace.workspace_id
    return dashboard.run()


def open_dialog(monkeypatch: pytest.MonkeyPatch, user: User, name: str, *arguments: Any) -> AppTest:
    """Run a dialog (`package.module:function`) on its own, as AppTest closes dialogs of a page."""

    def script(name: str, arguments: tuple[object, ...]) -> None:
        from importlib import import_module

        module, _, function = name.partition(":")
        getattr(import_module(module), function)(*arguments)

    monkeypatch.setattr(app.auth.identity, "current_user", lambda: user)
    st.cache_data.clear()
    dialog = AppTest.from_function(script, args=(name, arguments), default_timeout=SECONDS).run()
    assert not dialog.exception
    return dialog


def shown(page: AppTest) -> str:
    """Every text on the page except metrics and tables."""
    kinds = (page.title, page.header, page.text, page.caption, page.markdown, page.error)
    lists = [str(each.proto.body).partition('<ul class="line-list">')[2] for each in page.get("html")]
    lines = (unescape(re.sub(r"<[^>]*>", "\n", each)) for each in lists)
    return "\n".join([*(str(element.value) for kind in kinds for element in kind), *lines])


def read_markdown(text: str) -> str:
    """Escaped Markdown as its reader sees it."""
    return text.replace("\\", "").replace(WORD_JOINER, "")


def hero(page: AppTest) -> str:
    """The month hero as text, with its bar's description."""
    [markup] = [
        str(element.proto.body) for element in page.get("html") if 'class="big"' in element.proto.body
    ]
    described = re.sub(r'<style>.*?</style>|<[^>]*aria-label="([^"]*)"[^>]*>', r" \1 ", markup)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", described)).split())


def period_spend(page: AppTest) -> str:
    """The total of the Overview's period, with its change."""
    captions = (str(caption.value).replace("\\", "") for caption in page.caption)
    return next(text for text in captions if re.fullmatch(r"\D{1,4}[\d.,]+(, (up|down|against) .*)?", text))


def _read_html(page: AppTest, mark: str) -> list[str]:
    bodies = [str(element.proto.body) for element in page.get("html")]
    return [body for body in bodies if f'class="{mark}"' in body]


def read_bars(page: AppTest) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The lists of bars: the title, and name, amount and address of each."""
    bar = re.compile(r'<li><(?:a class="tally-go" href="([^"]*)"|span)[^>]*>(.*?)</(?:a|span)><b>(.*?)</b>')
    return [
        (
            unescape(re.findall(r'aria-label="([^"]*)"', body)[0]),
            [
                (unescape(name), unescape(amount), unescape(address))
                for address, name, amount in bar.findall(body)
            ],
        )
        for body in _read_html(page, "tbl-bars")
    ]


def read_models(page: AppTest) -> list[tuple[str, str, str]]:
    """The rows of the most expensive models: name, cost and address."""
    row = re.compile(r'<tr><td><a class="tally-go" href="([^"]*)"[^>]*>(.*?)</a></td><td>(.*?)</td>')
    [body] = _read_html(page, "tbl-rows")
    return [(unescape(name), unescape(cost), unescape(address)) for address, name, cost in row.findall(body)]


def metrics(page: AppTest) -> dict[str, str]:
    """The metric cards of the page: label -> value."""
    return {metric.label: metric.value for metric in page.metric}
