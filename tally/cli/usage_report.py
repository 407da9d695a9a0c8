"""`tally collect --dry-run`: usage and cost by agent, day and model."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from tally.accounts.session_file import load_workspace_name
from tally.agents.folder_rules import load_rules
from tally.agents.log_files import LogFile
from tally.agents.payment import find_payment
from tally.agents.registry import AGENTS, find_logs
from tally.agents.report import ReportRequest, make_report
from tally.agents.report_cache import fingerprint, store_report
from tally.agents.routes import Routes, name_routes
from tally.agents.scan import UNREADABLE
from tally.cli.collect import NO_LOGS, LogOptions, print_left_out, print_rejections, print_unknown
from tally.cli.meter import ByteMeter
from tally.cli.tables import format_cost, format_usd, print_table
from tally.core.garbage import collector_paused
from tally.core.text import plural

# Short labels of the parts of a cost, by their key in the report.
COST_LABELS = {
    "uncached_input_usd": "input",
    "cached_input_usd": "cached input",
    "cache_write_5m_usd": "5-minute cache writes",
    "cache_write_1h_usd": "1-hour cache writes",
    "output_usd": "output",
    "web_search_usd": "web searches",
    "other_usd": "other",
}
TEXT_COLUMNS = ("Day", "Model")
PLACE_COLUMNS = ("Workspace", "Project")
NUMBER_COLUMNS = ("Input", "Cached", "Cache writes", "Output", "Cost", "")


@collector_paused()  # it would take a tenth of the time
def print_usage(options: LogOptions, folder: Path, as_json: bool) -> None:
    """Print what the logs hold, as tables or as one JSON object."""
    logs = find_logs(Path.home(), os.environ)
    rules = load_rules(folder)
    routes = name_routes(rules, options.workspace or load_workspace_name(folder))
    if not as_json:
        _print_tables(_report(options, logs, routes), bool(rules.rules))
        return
    key = fingerprint(sys.argv[2:], logs)  # before the scan, as logs may grow during it
    report = _report(options, logs, routes)
    text = json.dumps(report, indent=2) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()  # a failure is reported, and not by the interpreter at its end
    if not _is_unread(report):
        store_report(key, text)
    if len(options.agents) == len(AGENTS):
        from tally.cli import glance_file  # lazily: needed after the report only

        glance_file.store_report(folder, report)


def _is_unread(report: Mapping[str, Any]) -> bool:
    """Check whether a log could not be read, which may change without a change of the log."""
    reasons = (reason for source in report["sources"] for reason in source["reasons"])
    return any(reason.startswith(UNREADABLE) for reason in reasons)


def _report(options: LogOptions, logs: dict[str, list[LogFile]], routes: Routes) -> dict[str, Any]:
    payments = {
        agent.name: options.payments.get(agent.name) or find_payment(agent.name, Path.home(), os.environ)
        for agent in options.agents
    }
    request = ReportRequest(options.agents, logs, options.timezone, options.since, payments, routes)
    with ByteMeter() as meter:
        return make_report(request, meter.show)


def _print_tables(report: Mapping[str, Any], with_workspaces: bool) -> None:
    for source in report["sources"]:
        requests, files = plural(source["requests"], "request"), plural(source["files"], "file")
        typer.echo(f"{source['title']}: {requests} in {files}")
        if days := source["days"]:
            places = PLACE_COLUMNS if with_workspaces else ()
            print_table((*TEXT_COLUMNS, *places), NUMBER_COLUMNS, (_cells(row, places) for row in days))
        if priced := [row for row in days if row["cost_usd"] is not None]:
            typer.echo(_total_line(priced))
        print_left_out(source["title"], source["left_out"], source["without_folder"])
        print_unknown(source["title"], source["unknown_lines"])
        print_rejections(source["reasons"])
    if not report["sources"]:
        typer.echo(NO_LOGS)


def _cells(row: Mapping[str, Any], places: Sequence[str]) -> list[str]:
    """Cells of one day and model, with its workspace and project where they are shown."""
    cache_writes = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    counts = (row["uncached_input_tokens"], row["cached_input_tokens"], cache_writes, row["output_tokens"])
    cost = format_cost(row["cost_usd"])
    plan = "(plan)" if row["paid_by"] == "plan" else ""
    shown = [row[name.lower()] or "" for name in places]
    return [row["day"], row["model"], *shown, *(f"{count:,}" for count in counts), cost, plan]


def _total_line(rows: Sequence[Mapping[str, Any]]) -> str:
    """The cost of all days, and its parts that are not zero."""
    names = ("cost_usd", *COST_LABELS)
    total_usd, *parts = (sum((Decimal(row[name]) for row in rows), Decimal(0)) for name in names)
    shown = [
        f"{format_usd(usd)} {label}" for usd, label in zip(parts, COST_LABELS.values(), strict=True) if usd
    ]
    return f"Total {format_usd(total_usd)}" + (f": {', '.join(shown)}" if shown else "")
