"""Any value that the API accepts is shown or said: random rows of one's own break no page."""

import string
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.auth.identity import User
from app.ui.pages import PAGES
from app.views.settings.parts import list_parts
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import sign_in_user, sign_up
from tests.app.conftest import Project
from tests.app.pages import open_page, shown
from tests.database.access import OF_ONE_USER, SAMPLE, another_row

Job = psycopg.Connection[Any]
TODAY = datetime.now(UTC).date()
# Without these a row is refused, or belongs to somebody else.
FIXED = {"id", "workspace_id", "user_id", "provider_id", "project_id", "import_id", "subscription_id"}

WRITABLE = """
select c.relname, a.attname, t.typname
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
inner join pg_type as t on a.atttypid = t.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and a.attnum > 0 and not a.attisdropped
    and has_column_privilege('authenticated', c.oid, a.attnum, %s)
order by 1, a.attnum"""

# A table's own words, such as the kinds that its columns allow.
WORDS = """
select conrelid::regclass::text, array_agg(distinct word[1])
from pg_constraint, regexp_matches(pg_get_constraintdef(oid), '''([^'']+)''', 'g') as word
where contype = 'c' and connamespace = 'public'::regnamespace
group by 1"""

ONE_SUBSCRIPTION = "select id from public.subscriptions where workspace_id = %s order by created_at limit 1"

ODD_TEXTS = (
    "", " ", "\u202e", "\ufeff", "\u200b", "a\nb", "\t", "é" * 200, "🧮" * 60, "x" * 500, "-1", "NaN",
    "infinity", "null", "{}", "$1", "=1+1", "%s %(x)s {0}", "../..", "Asia/Tokyo", "Etc/GMT+12", "JPY", "XXX",
    "0" * 64, "![x](http://127.0.0.1:1/x)", "<b>x</b>", "[x](javascript:alert(1))", ":material/home:",
    ":red[x]", "$\\frac{1}{0}$",
)  # fmt: skip
ODD_DATES = (
    "infinity", "-infinity", "0001-01-01", "0044-03-15 BC", "1970-01-01", "2019-12-31", "2020-01-01",
    "2020-02-29", "9999-12-31", "20000-01-01", str(TODAY), str(TODAY - timedelta(days=1)),
    str(TODAY + timedelta(days=364)),
)  # fmt: skip
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40
)
COUNTS = st.sampled_from([0, 1, -1, 31, 32, 10**6, 2**31 - 1, 10**15, 2**63 - 1]) | st.integers(-10, 10**16)
AMOUNTS = st.sampled_from(
    ["0", "-1", "0.000000000001", "99999999.99", "99999999999", "-99999999", "1e30", "NaN", "Infinity"]
) | st.decimals(-(10**9), 10**9, places=6).map(str)
DATES = st.sampled_from(ODD_DATES) | st.dates(date(2019, 1, 1), date(2028, 1, 1)).map(str)
KEYS = st.sampled_from(
    [
        "balance",
        "cursors",
        "note",
        "tags",
        "model",
        "price_model",
        "ledger",
        "project",
        "session",
        "request_id",
    ]
) | st.text(string.ascii_lowercase, max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=6,
)
VALUES = {
    "bool": st.booleans(),
    "date": DATES,
    "int2": COUNTS,
    "int4": COUNTS,
    "int8": COUNTS,
    "jsonb": JSON,
    "numeric": AMOUNTS,
    "text": TEXTS,
    "timestamptz": DATES,
    "uuid": st.uuids().map(str),
    "_text": st.lists(TEXTS, max_size=3),
}


# Rows of the last days, which every page shows.
RECENT: dict[str, dict[str, Any]] = {
    "cost_records": {"timestamp": f"{TODAY - timedelta(days=1)}T12:00Z"},
    "subscriptions": {"started_on": str(TODAY - timedelta(days=40)), "ended_on": None},
}


@dataclass
class Writer:
    """Writes rows as the person does, through the API, and remembers what it accepts."""

    project: Project
    user: User
    job: Job
    http: httpx.Client
    accepted: set[str] = field(default_factory=set)

    def insert(self, table: str, column: str, value: object) -> None:
        """Add a row with this value."""
        row = another_row(self.job, table, UUID(self.user.user_id)) | RECENT.get(table, {}) | {column: value}
        written = {name: str(each) if isinstance(each, UUID) else each for name, each in row.items()}
        self._send("POST", table, {}, written, column)

    def update(self, table: str, column: str, value: object) -> None:
        """Give the value to all own rows, but to one subscription: each is saved with years of renewals."""
        where = {"user_id" if table in OF_ONE_USER else "workspace_id": f"eq.{self.user.user_id}"}
        if table == "subscriptions":
            [[one]] = self.job.execute(ONE_SUBSCRIPTION, [self.user.user_id]).fetchall()
            where["id"] = f"eq.{one}"
        self._send("PATCH", table, where, {column: value}, column)

    def _send(
        self, method: str, table: str, where: dict[str, str], body: dict[str, Any], column: str
    ) -> None:
        answer = self.http.request(
            method,
            f"{self.project.url}/rest/v1/{table}",
            params=where,
            json=body,
            headers={"apikey": self.project.key, "authorization": f"Bearer {self.user.access_token}"},
        )
        assert answer.status_code < 500, answer.text
        if answer.is_success:
            self.accepted.add(f"{table}.{column}")
            print(method, table, body)  # pytest shows it if a page fails


def test_own_rows_with_any_allowed_values_break_no_page(
    monkeypatch: pytest.MonkeyPatch, project: Project, upstream: AuthClient, job: Job
) -> None:
    user = sign_in_user(upstream, sign_up(upstream))
    words = dict(job.execute(WORDS).fetchall())

    @settings(max_examples=2, phases=[Phase.generate])  # the first example has the simplest values
    @given(st.data())
    def write(data: st.DataObject) -> None:
        for change in (writer.insert, writer.update):
            for table, column, kind in job.execute(WRITABLE, [change.__name__]).fetchall():
                if table in SAMPLE and column not in FIXED:
                    values = VALUES[kind] if kind != "text" else VALUES[kind] | st.sampled_from(words[table])
                    for _ in range(2):
                        change(table, column, data.draw(values, label=f"{table}.{column}"))

    with httpx.Client() as http:
        writer = Writer(project, user, job, http)
        write()
    assert len(writer.accepted) >= 20, writer.accepted
    for known in PAGES:
        for section in list_parts(user) if known.name == "settings" else ("",):
            page = open_page(monkeypatch, user, known.name, {"section": section} if section else None)
            assert not page.exception, (known.name, section)
            assert not page.error, (known.name, section)
            assert known.title in shown(page), (known.name, section)
