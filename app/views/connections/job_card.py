"""The card of what providers keep: batches, fine-tuning jobs, files and vector stores."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.figures.provider_jobs import (
    KINDS,
    describe_savings,
    describe_state,
    describe_storage,
    describe_training,
    format_size,
    sum_savings,
)
from app.formats.dates import format_day
from app.formats.money import format_usd
from app.formats.text import escape_markdown
from app.ui import charts, columns
from app.ui.cards import render_heading, render_subheading
from app.ui.line_list import Line, render_lines
from app.ui.notices import announce, explain_refusal
from app.ui.theme import current_palette
from tally.connectors.connections import Connection
from tally.connectors.job_sync import sum_storage
from tally.connectors.jobs import Job
from tally.connectors.storage_costs import FIRST_DAYS, add_storage_costs
from tally.core.text import plural
from tally.pricing.storage_prices import price_vector_stores

GB = 10**9  # of the chart
FEW, DAYS = 50, timedelta(days=29)
COLUMNS = {
    "name": columns.name("Name", most_width=220),
    "state": columns.text("State"),
    "model": columns.name("Model"),
    "trained": columns.name("Trained model", most_width=240),
    "requests": columns.count("Requests"),
    "failed": columns.count("Failed"),
    "tokens": columns.tokens("Tokens"),
    "size": columns.number("Size", format_size),
    "cost": columns.money("Cost", "USD", help="At list prices: of batches, or of training."),
    "saved": columns.money("Saved", "USD", help="Against the list price of its requests without a batch."),
    "began": columns.day("Created"),
    "ended": columns.day("Ended"),
}


def render_jobs(user: User, connections: Sequence[Connection]) -> None:
    """The card, once a connection has found any."""
    found = data.load_provider_jobs(user)
    jobs = [job for _, job in found]
    kinds = [kind for kind in KINDS if any(job.kind == kind for job in jobs)]
    if not kinds:
        return
    with st.container(border=True):
        render_heading("Jobs and files", "as their providers tell them")
        kind = st.segmented_control(
            "Kind",
            kinds,
            format_func=lambda kind: KINDS[kind],
            default=kinds[0],
            required=True,
            key="job_kind",
            label_visibility="collapsed",
        )
        of_kind = [job for job in jobs if job.kind == kind]
        lines = [Line(_name(job), _describe(job)) for job in of_kind[:FEW]]
        render_lines(describe_jobs(of_kind[:FEW]), COLUMNS, KINDS[kind or kinds[0]], "jobs", lines)
        if len(of_kind) > FEW:
            st.caption(f"The newest {FEW} of {len(of_kind):,}.")
        if kind == "batch":
            st.caption(describe_savings(sum_savings(of_kind)))
        if kind in ("file", "vector_store"):
            _render_storage(jobs)
        if kind == "fine_tuning" and (told := describe_training(of_kind)):
            st.caption(escape_markdown(told))
        if kind == "vector_store":
            for connection in connections:
                own = [job for told_id, job in found if told_id == str(connection.connection_id)]
                _offer_costs(user, connection, own)


def describe_jobs(jobs: Sequence[Job]) -> pd.DataFrame:
    """The rows of the table, without columns that no job has."""
    rows = [
        {
            "name": _name(job),
            "state": describe_state(job.state),
            "model": job.model,
            "trained": job.trained_model,
            "requests": job.requests,
            "failed": job.failed_requests,
            "tokens": _count_tokens(job),
            "size": job.stored_bytes,
            "cost": job.cost_usd,
            "saved": job.saved_usd,
            "began": job.began_at.astimezone(UTC).date(),
            "ended": job.ended_at and job.ended_at.astimezone(UTC).date(),
        }
        for job in jobs
    ]
    return pd.DataFrame(rows, dtype=object).dropna(axis="columns", how="all")


def _name(job: Job) -> str:
    """The name of a file, a store or a job; of batches, which have none, the id."""
    return job.told_id if job.kind == "batch" else job.name or job.told_id


def _count_tokens(job: Job) -> int | None:
    if job.trained_tokens is not None:
        return job.trained_tokens
    return None if job.input_tokens is None else job.input_tokens + (job.output_tokens or 0)


def _describe(job: Job) -> str:
    tokens = _count_tokens(job)
    parts = [
        describe_state(job.state),
        job.model or "",
        job.trained_model or "",
        "" if job.requests is None else plural(job.requests, "request"),
        f"{job.failed_requests:,} failed" if job.failed_requests else "",
        "" if tokens is None else plural(tokens, "token"),
        "" if job.stored_bytes is None else format_size(job.stored_bytes),
        "" if job.cost_usd is None else f"{format_usd(job.cost_usd)} cost",
        "" if job.saved_usd is None else f"{format_usd(job.saved_usd)} saved",
        format_day(job.began_at.astimezone(UTC).date()),
    ]
    return " · ".join(filter(None, parts))


def _render_storage(jobs: Sequence[Job]) -> None:
    """The sizes of files and vector stores by day, and now."""
    today = datetime.now(UTC).date()
    kept = {
        kind: sum_storage([job for job in jobs if job.kind == kind], today - DAYS, today)
        for kind in ("file", "vector_store")
    }
    now = describe_storage(kept["file"][-1][1], kept["vector_store"][-1][1])
    render_subheading("Storage by day", "the last 30 days")
    days = [day for day, _ in kept["file"]]
    sizes = {KINDS[kind]: [size / GB for _, size in kept[kind]] for kind in ("file", "vector_store")}
    st.plotly_chart(
        charts.stored_sizes(days, sizes, current_palette()),
        theme=None,
        key="storage_by_day",
        config=charts.config("USD"),
        alt=f"Gigabytes of files and vector stores on each of the last 30 days. {now}",
    )
    st.caption(now)


@explain_refusal
def _offer_costs(user: User, connection: Connection, jobs: Sequence[Job]) -> None:
    """Count the vector stores of a connection as a cost, where they have one."""
    today = datetime.now(UTC).date()
    [(_, stored)] = sum_storage([job for job in jobs if job.kind == "vector_store"], today, today)
    if connection.import_id:
        st.caption(
            escape_markdown(
                f"Storage of {connection.name} is an estimated cost of every full day. Its source is on the "
                "page Sources; delete it there to stop."
            )
        )
    elif connection.provider == "openai" and price_vector_stores(stored):
        label = "Add storage as a cost"
        if st.button(label, icon=":material/add:", key=f"storage-{connection.connection_id}"):
            days = add_storage_costs(database_of(user), connection, today)
            data.forget_version(user)
            announce(f"{plural(days, 'day')} of storage added as an estimated cost.")
            st.rerun()
        st.caption(
            escape_markdown(
                f"An estimate at today's size for each of the last {FIRST_DAYS} days, then one every day. "
                "A bill of OpenAI replaces it."
            )
        )
