"""Cards of uploaded files before they are imported."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.figures.source_names import short_title
from app.formats.counts import format_count
from app.formats.dates import format_day, format_days, format_instant
from app.formats.money import NO_PRICE, format_figure, format_money
from app.formats.text import DASH, escape_markdown
from app.ui import charts, columns
from app.ui.notices import render_warning
from app.ui.tables import render_table
from app.ui.theme import current_palette
from app.views.imports import column_mappings
from app.views.imports.choices import Choices
from app.views.imports.preview_tables import (
    FIRST_REJECTED,
    daily_frame,
    describe_first_rows,
    describe_totals,
    first_row_columns,
    total_columns,
)
from app.views.imports.previews import Preview
from app.views.imports.upload_questions import render_mapping
from app.views.imports.uploads import Recognized, UploadedFile
from tally.importers import IMPORTERS, Rejected, generic
from tally.importers.readers.containers import MAX_BYTES

CHART_HEIGHT = 220


def render_uploader() -> list[UploadedFile]:
    """The drop zone, with the supported formats."""
    with st.container(border=True):
        files = st.file_uploader(
            "Usage or cost exports: CSV, JSON, or a ZIP of them",
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES // 1_000_000,
            key=f"files-{st.session_state.get('import_visit', 0)}",
        )
        titles = [short_title(importer.title) for importer in IMPORTERS if importer is not generic]
        st.caption(f"Supported formats: {', '.join(sorted(titles, key=str.casefold))}.")
        with st.expander("Any other table: column guide and template", icon=":material/table:"):
            render_column_guide()
    return list(files)


def render_file_heading(filename: str, note: str) -> None:
    """A file's name and format, both as plain text."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.text(filename, width="content")
        st.caption(escape_markdown(note), width="content")


def render_column_guide() -> None:
    """The columns of the generic format, with a template to download."""
    guide = [
        {"column": column, "meaning": meaning}
        for column, (_, meaning) in column_mappings.COLUMN_MEANINGS.items()
    ]
    kinds = {"column": columns.text("Column"), "meaning": columns.text("Meaning")}
    st.caption("One row per charge. You can match columns with other names after uploading the file.")
    render_table(pd.DataFrame(guide), kinds, "Columns of the template")
    st.download_button(
        "Download template",
        generic.template(),
        "tally-template.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def render_key_figures(preview: Preview, currency: str) -> None:
    """Rows, days, cost and rejected rows."""
    total, days = preview.total, preview.days
    with st.grid(4, min_column_width=150, gap="small"):
        st.metric("Rows", f"{preview.rows:,}")
        length = f"{(days[1] - days[0]).days + 1:,}" if days else DASH
        st.metric("Days", length, _span(preview), delta_color="off", delta_arrow="off")
        st.metric(
            "Cost",
            format_figure(total.spent, currency),
            _describe_total(preview, currency),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            "Rejected",
            f"{preview.rejected:,}",
            "won't be saved" if preview.rejected else None,
            delta_color="red" if preview.rejected else "off",
            delta_arrow="off",
        )


def render_notes(notes: Sequence[str]) -> None:
    """Sentences about what is left out of the file, and what is uncertain in the rest."""
    for sentence in notes:
        st.caption(escape_markdown(sentence))


def render_same(earlier: Mapping[str, Any], zone: ZoneInfo) -> None:
    """Say that a file was imported before, as a choice and not as an error."""
    moment = format_instant(datetime.fromisoformat(earlier["created_at"]), zone)
    render_warning(f"This file is here already, imported {moment}. Importing it again adds nothing.")


def render_chart(preview: Preview, labels: Mapping[str, str], key: str, currency: str) -> None:
    """Spend by day; nothing for a single day or without spend."""
    days = preview.days
    if days is None or days[0] == days[1] or not any(preview.daily.values()):
        return
    figure = charts.daily_spend(daily_frame(preview), charts.Context(), labels, current_palette(), currency)
    is_weekly = charts.is_weekly((days[1] - days[0]).days + 1)
    weeks = ", daily average per week" if is_weekly else ""
    st.caption("Spend: daily average of each week" if is_weekly else "Spend of each day")
    st.plotly_chart(
        figure.update_layout(height=CHART_HEIGHT),
        theme=None,
        key=key,
        config=charts.config(currency),
        alt=f"Daily spend in the files to import{weeks}",
    )


def render_details(
    user: User, upload: Recognized, labels: dict[str, str], choices: Choices, key: str
) -> None:
    """Totals by provider, the first records, rejected rows, and the mapping of columns."""
    assert upload.parsed is not None  # noqa: S101 - a preview exists only with records
    assert upload.preview is not None  # noqa: S101
    rejected = upload.parsed.rejected
    names = ["Totals", "First rows"]
    names += [f"Rejected rows ({len(rejected):,})"] if rejected else []
    names += ["Columns"] if upload.format_name == generic.name else []
    tabs = dict(zip(names, st.tabs(names, key=f"details-{key}"), strict=True))
    with tabs["Totals"]:
        kinds = total_columns(choices.currency.code)
        render_table(describe_totals(upload.preview, labels), kinds, "Totals by provider")
    with tabs["First rows"]:
        rows = describe_first_rows(upload.preview, labels, choices)
        render_table(rows, first_row_columns(choices), "The first rows", NO_PRICE)
    if rejected:
        with tabs[names[2]]:
            render_rejected(rejected)
    if "Columns" in tabs:
        with tabs["Columns"]:
            render_mapping(user, upload, choices, key)


def render_rejected(rejected: Sequence[Rejected]) -> None:
    """Rows that won't be saved, with their lines and reasons."""
    frame = pd.DataFrame(
        {"line": row.line, "reason": row.reason, "row": row.row_text} for row in rejected[:FIRST_REJECTED]
    )
    kinds = {"line": columns.count("Line"), "reason": columns.text("Reason"), "row": columns.text("Row")}
    render_table(frame, kinds, "Rejected rows")
    if len(rejected) > FIRST_REJECTED:
        st.caption(f"Only the first {FIRST_REJECTED} are shown. You can download all after the import.")


def _span(preview: Preview) -> str | None:
    if preview.days is None:
        return None
    first, last = preview.days
    return format_day(first) if first == last else format_days(first, last)


def _describe_total(preview: Preview, currency: str) -> str | None:
    """The parts of the total that are not billed, and the amounts that it leaves out."""
    total = preview.total
    parts = []
    if total.estimated:
        parts.append(f"{format_money(total.estimated, currency)} estimated")
    if total.included:
        parts.append(f"{format_money(total.included, currency)} included, not in cost")
    if total.unpriced:
        parts.append(f"{format_count(total.unpriced)} unpriced")
    return ", ".join(parts).replace("$", r"\$") or None
