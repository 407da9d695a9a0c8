"""The cards of files that wait to be imported: what they are, what they ask, what they would add."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.formats.counts import format_count
from app.formats.dates import format_day, format_days
from app.formats.money import format_figure, format_money
from app.formats.text import DASH, escape_markdown
from app.parts.source_names import short_title
from app.ui import charts
from app.ui.theme import current_palette
from app.views.imports import column_mappings
from app.views.imports.previews import (
    FIRST_REJECTED,
    Preview,
    daily_frame,
    first_rows_frame,
    totals_frame,
)
from app.views.imports.upload_questions import render_mapping
from app.views.imports.uploads import Choices, Readable, UploadedFile
from tally.importers import IMPORTERS, Rejected, generic
from tally.importers.readers.containers import MAX_BYTES

CHART_HEIGHT = 220
SCROLLED_FROM = 10
COLUMN = st.column_config


def render_uploader() -> list[UploadedFile]:
    """Where files are dropped, and what they should look like."""
    with st.container(border=True):
        files = st.file_uploader(
            "Usage or cost exports: CSV, JSON, or a ZIP of them",
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES // 1_000_000,
            key=f"files-{st.session_state.get('import_visit', 0)}",
        )
        titles = [short_title(importer.title) for importer in IMPORTERS if importer is not generic]
        st.caption(f"Recognised by their columns: {', '.join(sorted(titles, key=str.casefold))}.")
        with st.expander("Any other table: columns and template", icon=":material/table:"):
            render_column_guide()
    return list(files)


def render_file_heading(filename: str, note: str) -> None:
    """A file's name and what it is; both are shown as text."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.text(filename, width="content")
        st.caption(escape_markdown(note), width="content")


def render_column_guide() -> None:
    """The columns of a table that any importer understands, with an example in the template."""
    guide = [
        {"Column": column, "Meaning": meaning}
        for column, (_, meaning) in column_mappings.COLUMN_MEANINGS.items()
    ]
    st.caption("One row a charge. Columns under other names can be matched after the file is dropped.")
    st.dataframe(pd.DataFrame(guide), hide_index=True, height="content", alt="Columns of the template")
    st.download_button(
        "Template",
        generic.template(),
        "tally-template.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def render_key_figures(preview: Preview, currency: str) -> None:
    """Rows, days, money and what was refused."""
    total, days = preview.total, preview.days
    with st.grid(4, min_column_width=150, gap="small"):
        st.metric("Rows", f"{preview.rows:,}")
        length = f"{(days[1] - days[0]).days + 1:,}" if days else DASH
        st.metric("Days", length, _span(preview), delta_color="off", delta_arrow="off")
        st.metric(
            "Cost",
            format_figure(total.spent, currency),
            _beside(preview, currency),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            "Rejected",
            f"{preview.rejected:,}",
            "will not be saved" if preview.rejected else None,
            delta_color="red" if preview.rejected else "off",
            delta_arrow="off",
        )


def render_chart(preview: Preview, labels: Mapping[str, str], key: str, currency: str) -> None:
    """Spend a day; nothing where all of it fell on one day or cost nothing."""
    days = preview.days
    if days is None or days[0] == days[1] or not any(preview.daily.values()):
        return
    figure = charts.daily_spend(daily_frame(preview), None, labels, current_palette(), currency)
    weeks = ", weeks as daily means" if charts.is_weekly((days[1] - days[0]).days + 1) else ""
    st.plotly_chart(
        figure.update_layout(height=CHART_HEIGHT),
        theme=None,
        key=key,
        config=charts.config(currency),
        alt=f"Daily spend in what you are about to import{weeks}",
    )


def render_details(user: User, reading: Readable, labels: dict[str, str], choices: Choices, key: str) -> None:
    """Totals by provider, the first records, the rejected rows, and the meaning of the columns."""
    assert reading.parsed is not None  # noqa: S101 - a preview exists only with records
    assert reading.preview is not None  # noqa: S101
    rejected = reading.parsed.rejected
    names = ["Totals", "First rows"]
    names += [f"Rejected rows ({len(rejected):,})"] if rejected else []
    names += ["Columns"] if reading.format_name == generic.name else []
    tabs = dict(zip(names, st.tabs(names, key=f"details-{key}"), strict=True))
    with tabs["Totals"]:
        render_table(totals_frame(reading.preview, labels, choices.currency.code), "Totals by provider")
    with tabs["First rows"]:
        rows = first_rows_frame(reading.parsed.records, labels, choices.timezone, choices.currency)
        render_table(rows, "The first rows")
    if rejected:
        with tabs[names[2]]:
            render_rejected(rejected)
    if "Columns" in tabs:
        with tabs["Columns"]:
            render_mapping(user, reading, choices, key)


def render_table(frame: pd.DataFrame, alt: str) -> None:
    """A short table of records or totals."""
    st.dataframe(frame, hide_index=True, height="content", alt=alt, column_config=MONEY)


def render_rejected(rejected: Sequence[Rejected]) -> None:
    """Rows that will not be saved, with their lines and reasons."""
    shown = [
        {"Line": row.line, "Reason": row.reason, "Row": row.row_text} for row in rejected[:FIRST_REJECTED]
    ]
    st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        height="content" if len(shown) <= SCROLLED_FROM else 420,
        alt="Rejected rows",
        column_config=REJECTED,
    )
    if len(rejected) > FIRST_REJECTED:
        st.caption(f"The first {FIRST_REJECTED} are shown. All can be downloaded after the import.")


def _span(preview: Preview) -> str | None:
    if preview.days is None:
        return None
    first, last = preview.days
    return format_day(first) if first == last else format_days(first, last)


def _beside(preview: Preview, currency: str) -> str | None:
    """What the total does not hold, or what kind of money it is."""
    total = preview.total
    said = []
    if total.estimated:
        said.append(f"{format_money(total.estimated, currency)} estimated")
    if total.included:
        said.append(f"{format_money(total.included, currency)} included beside")
    if total.unpriced:
        said.append(f"{format_count(total.unpriced)} unpriced")
    return ", ".join(said).replace("$", r"\$") or None


MONEY = {
    "Provider": COLUMN.TextColumn("Provider"),
    "Billed": COLUMN.TextColumn("Billed", alignment="right"),
    "Estimated": COLUMN.TextColumn("Estimated", alignment="right", help="Tokens at list prices"),
    "Included": COLUMN.TextColumn(
        "Included", alignment="right", help="Covered by a subscription: worth, not money spent"
    ),
    "Unpriced": COLUMN.NumberColumn("Unpriced", help="No price is known, so they are in no total"),
    "Cost": COLUMN.TextColumn("Cost", alignment="right"),
    "Tokens": COLUMN.NumberColumn("Tokens", format="compact"),
    "Requests": COLUMN.NumberColumn("Requests", format="localized"),
    "Records": COLUMN.NumberColumn("Records", format="localized"),
}
REJECTED = {
    "Line": COLUMN.NumberColumn("Line", format="%d", width="small"),
    "Reason": COLUMN.TextColumn("Reason", width="large"),
}
