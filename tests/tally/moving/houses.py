"""A workspace with something in every table, and all that a move must keep of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tally.core.records import CostRecord, day_instant, identity, request_identity
from tally.ledger.save import save_batch
from tally.spend.subscriptions import Subscription, add_subscription
from tally.storage.database import Database, Query, Row, select_all

ZONE = "Asia/Tokyo"
FIRST = datetime(2026, 9, 1, 20, tzinfo=UTC)  # the next day in Tokyo
ACME = "openai:acme"


def furnish(database: Database) -> None:
    """Fill a personal workspace."""
    me = database.scope.user_id
    preferences = {"timezone": ZONE, "currency": "EUR", "theme": "dark", "weekly_digest": False}
    database.update("user_preferences", me, preferences, key="user_id")
    projects = {
        name: database.call("create_project", name=name, is_private=name == "Secret")
        for name in ("Web", "Old", "Secret", "Web ")
    }
    logs = add_source(database, "machine", "Claude Code on laptop")
    rules = [
        ("folder", "/work/old", projects["Old"]),
        ("folder", "/work/web", projects["Web"]),
        ("source", logs, projects["Secret"]),
    ]
    database.call(
        "set_rules",
        rules=[{"field": f, "match": "prefix", "value": v, "project_id": p} for f, v, p in rules],
    )
    _set_prices(database)
    _add_plans(database)
    _add_records(database, logs, projects)
    _add_invoices(database)
    _add_experiment(database, projects)
    _add_advice(database, projects)
    database.call("name_billing_account", account=ACME, name="Acme")
    database.call("name_model", provider="openai", name="my-gpt-prod", model="gpt-5")
    _add_budgets(database, projects)
    _add_prompts(database, projects)
    database.call("set_alert_rules", rules={"renewal": False, "silent_days": 9})
    database.call("set_trace_days", days=30)
    limit = {"kind": "latency", "model": "gpt-5", "minutes": 60, "limit": 8000, "requests": 50}
    database.call("set_model_limits", limits=[limit])
    _save_views(database, projects, logs)
    database.call("archive_project", project=projects["Old"])


def _save_views(database: Database, projects: dict[str, str], source: str) -> None:
    mine = f"person:{database.scope.user_id}"
    for name, where in {
        "=Web and Old": [f"project:{projects['Web']}", f"project:{projects['Old']}", "project"],
        "Laptop": [f"source:{source}", mine, "model:gpt-5:mini", "tag:ü &=+"],
        "Branches": [],
    }.items():
        query = urlencode({"split": "branch", "where": where}, doseq=True)
        database.call("save_view", name=name, query=query)
    database.call("save_view", name="By hand", query="where=model:gpt-5 mini&split=tag")


def _add_advice(database: Database, projects: dict[str, str]) -> None:
    """Advice that is dismissed, and some that was applied and measured."""
    [plan, *_] = _load(database, "subscriptions", "id")
    usual: Row = {
        "current_usd": "100.0123456789", "saving_low": "-1.5", "saving_mid": "50", "saving_high": "60",
        "confidence": "high", "basis": "measured", "evidence": {"requests": 3}, "assumptions": ["=1"],
        "window_from": "2026-09-01", "window_to": "2026-09-28", "found_at": "2026-09-29T03:15:00Z",
        "decided_at": "2026-09-30T10:00:00Z", "metadata": {},
    }  # fmt: skip
    subject = {"project_id": projects["Web"], "project": "Web", "model": "gpt-5"}
    dismissed = {"kind": "caching", "subject": subject, "project_id": projects["Web"], "status": "dismissed"}
    verified = {"state": "verified", "month_usd": 20.5, "units": [["2026-09-30", 0.1234567891]]}
    applied = {"kind": "unused_subscription", "subject": {"subscription_id": plan["id"]}, "status": "applied"}
    database.call("bring_advice", details=usual | dismissed | {"dismissed_saving": "50.0000000001"})
    database.call("bring_advice", details=usual | applied | {"verification": verified})


def _add_experiment(database: Database, projects: dict[str, str]) -> None:
    """A decided experiment with runs and scores of each kind."""
    variants = [{"name": "=A", "is_baseline": True, "match": {"model": "gpt-5"}}, {"name": "B"}]
    details: Row = {"name": "Cheaper", "primary_score": "correct", "margin": "0.033", "variants": variants}
    details |= {"question": "Can it?", "project_id": projects["Web"], "starts_at": "2026-09-01T00:00:00Z"}
    made = database.call("save_experiment", details=details)
    at = "2026-09-02T00:00:00Z"
    runs = [
        {"variant": "=A", "session": "s1", "happened_at": at, "cost_usd": "0.0123456789", "item_key": "-1"},
        {"variant": "B", "session": "s2", "happened_at": at, "calls": 3, "latency_ms": 900, "ok": False},
    ]
    scores = [
        {"session": "s1", "name": "correct", "kind": "bool", "value": "1", "by": "human"},
        {"session": "s2", "name": "length", "kind": "number", "value": "-0.12345678901234567", "by": "code"},
    ]
    database.call("save_runs", experiment=made, runs=runs, scores=scores, source="api")
    database.call("decide_experiment", experiment=made, variant="B", decision={"sentence": "B costs less."})


def _add_invoices(database: Database) -> None:
    amounts = {"subtotal": "14.7600000001", "tax": "2.81", "total": "17.5700000001"}
    invoice: Row = amounts | {
        "provider": "chatgpt",
        "seller": "=Seller",
        "number": "A-1",
        "kind": "subscription",
        "issued_on": "2026-09-03",
        "currency": "EUR",
        "discount": "0",
        "applied_balance": "0",
        "usd_rate": "1.1524",
        "card_last_four": "0042",
        "lines": [
            {
                "description": "=Plus",
                "amount": "14.7600000001",
                "quantity": "1",
                "unit_price": "14.7600000001",
            }
        ],
    }
    database.call("save_invoice", invoice=invoice)
    ignored = database.call("save_invoice", invoice=invoice | {"number": "A-2"})
    database.call("decide_invoice", invoice=ignored["id"], decision="ignored")
    lines: list[Row] = [
        {
            "identity": name * 64,
            "provider": "cursor",
            "kind": "plan",
            "product": "Cursor",
            "descriptor": "CURSOR",
            "posted_on": "2026-09-20",
            "amount": "20.1",
            "currency": "USD",
            "usd_rate": "1",
        }
        for name in "ab"
    ]
    database.call("save_statement_lines", lines=lines)
    [line] = database.select(Query("statement_lines", "id", ["id"], {"identity": "b" * 64}))
    database.call("ignore_statement_line", line=line["id"], is_ignored=True)


def _add_budgets(database: Database, projects: dict[str, str]) -> None:
    budgets: list[Row] = [
        {"name": "Everything", "amount": "123.45", "currency": "EUR", "starts_on_day": 15},
        {"name": "=Old", "amount": "1", "project_id": projects["Old"], "period": "quarter"},
        {
            "name": "Tokens",
            "amount": "1000000000000000",
            "measure": "tokens",
            "user_id": database.scope.user_id,
            "provider_id": provider_ids(database)["openai"],
            "model_name": "gpt-5",
            "billing_account": ACME,
            "tag": "a",
            "agent": "codex",
            "environment": "prod",
            "customer": "acme",
            "paused_at": "2026-10-01T00:00:00+00:00",
            "counts_tax": False,
        },
    ]
    for budget in budgets:
        added = database.insert("budgets", budget)
        for kind, percent in (("actual", 80), ("actual", 100), ("forecast", 100)):
            threshold = {"budget_id": added["id"], "kind": kind, "percent": percent}
            database.insert("budget_thresholds", threshold)


def _add_prompts(database: Database, projects: dict[str, str]) -> None:
    """A prompt with a long text and a split, one of a project, and one that is archived."""
    long = '=Answer {{question}},\n"quoted"\n' + "ü" * 200_000
    for text, message in ((long, "First"), ("Answer {{question}}.", "")):
        database.call(
            "push_prompt",
            name="refund",
            content=text,
            message=message,
            variables=("question",),
            labels=("stable",),
        )
    for shares in ({"1": 100}, {"1": 66.67, "2": 33.33}):
        database.call("deploy_prompt", prompt="refund", environment="production", shares=shares)
    for name in ("=draft", "old"):
        database.call("push_prompt", name=name, content="Draft")
    database.call("change_prompt", prompt="=draft", tags=("a", "b"), project=projects["Web"])
    database.call("archive_prompt", prompt="old", archived=True)


def _add_records(database: Database, logs: str, projects: dict[str, str]) -> None:
    logged = [request(n, metadata={"folder": "/work/web" if n % 2 else "/work/old"}) for n in range(20)]
    save_batch(database, logged, logs)
    gateway = add_source(database, "file", "gateway.csv")
    save_batch(database, [request(n, "0.5", "billed", "csv_import") for n in range(5)], gateway)
    usage = add_source(database, "file", "usage.csv", errors=[{"line": 9, "reason": "No date.", "row": "x"}])
    save_batch(database, [_line(n, "estimated", "requests") for n in range(15)], usage)
    bill = add_source(database, "connection", "OpenAI costs")
    save_batch(database, [_line(n, "billed", "costs", "0.0123456789") for n in range(7)], bill)
    excluded = add_source(database, "file", "twice.csv", is_enabled=False)
    save_batch(database, [_line(n, "billed", "costs", "9") for n in range(3)], excluded)
    _add_telemetry(database, logs)
    save_batch(database, _odd_records(), None)
    save_batch(database, [_line(40, "included", "plan", None, project_id=projects["Web "])], usage)
    chosen = database.select(Query("cost_records", "id", ["id"], {"model_name": "odd", "import_id": None}))
    database.update("cost_records", chosen[0]["id"], {"project_id": projects["Secret"]})
    shared = database.select(Query("cost_records", "id", ["id"], {"import_id": gateway}))
    database.update("cost_records", shared[0]["id"], {"project_id": projects["Web"]})


def _add_telemetry(database: Database, logs: str) -> None:
    """A request that telemetry and a log know by different ids, and a session that both tell of."""
    service = add_source(database, "key", "checkout")
    save_batch(database, [request(90, method="otlp"), *_session("otlp", 2)], service)
    named: dict[str, Any] = {"source_key": request_identity("msg_90"), "request_id": "msg_90"}
    logged = replace(request(90), **named, metadata={"request_aliases": ["req_90"]})
    save_batch(database, [logged, *_session("local_log", 3)], logs)


def _session(channel: Any, requests: int) -> list[CostRecord]:
    said = {"channel": "codex", "session": "s1"}
    return [
        replace(
            request(91 + n, method=channel, metadata=said), source_key=identity(channel, n), request_id=None
        )
        for n in range(requests)
    ]


def _odd_records() -> list[CostRecord]:
    texts = ('=HYPERLINK("x")', "'quoted", 'a "b", c\r\nd', "-1+1", "ü 😀\tx", "")
    records = [
        CostRecord(
            "anthropic",
            FIRST + timedelta(days=n),
            "odd",
            Decimal(n + 1) / 8,
            identity("odd", n),
            metadata={"note": note, "tags": ["a", note], "share": 0.1, "amount": 1_000_000 + n},
        )
        for n, note in enumerate(texts)
    ]
    credit = CostRecord(
        "openai", FIRST, "=credit", Decimal("-99999999.9999999999"), identity("credit"), charge_type="credit"
    )
    unpriced = CostRecord(
        "openai", FIRST, "my-gpt-prod", None, identity("unpriced"), "estimated", input_tokens=10**15
    )
    return [*records, credit, unpriced]


def request(
    n: int, cost: str = "0.25", basis: Any = "estimated", method: Any = "local_log", **more: Any
) -> CostRecord:
    """What one source says about a request to Anthropic."""
    return CostRecord(
        "anthropic",
        FIRST + timedelta(hours=7 * n),
        "claude-sonnet-4-5",
        Decimal(cost),
        request_identity(f"req_{n}"),
        basis,
        collection_method=method,
        request_id=f"req_{n}",
        input_tokens=100 + n,
        output_tokens=n,
        cached_input_tokens=7,
        request_count=1,
        **more,
    )


def _line(n: int, basis: Any, dataset: str, cost: str | None = "0.75", **more: Any) -> CostRecord:
    day = date(2026, 9, 1) + timedelta(days=n)
    return CostRecord(
        "openai",
        day_instant(day, ZONE),
        "gpt-5-mini-2025-08-07",
        Decimal(cost) if cost else None,
        identity(dataset, n),
        basis,
        day=day,
        billing_account=ACME,
        dataset=dataset,
        input_tokens=0 if basis == "billed" else 1000 + n,
        **more,
    )


def add_source(database: Database, kind: str, name: str, **more: Any) -> str:
    """Add a source; returns its id."""
    row = {
        "kind": kind,
        "filename": name,
        "format": "test",
        "file_sha256": "ab" * 32 if kind == "file" else None,
        "rows_read": 3,
        "rows_imported": 2,
        "rows_rejected": 1,
        "status": "done",
        "finished_at": "2026-10-01T00:00:00+00:00",
        "metadata": {"signature": name},
    }
    return str(database.insert("imports", row | more)["id"])


def _set_prices(database: Database) -> None:
    openai = provider_ids(database)["openai"]
    price = {"input_usd_per_mtok": "1.2345678901", "output_usd_per_mtok": "2", "request_usd": "0.001"}
    for start in ("2026-01-01", "2026-09-05"):
        row = {"provider_id": openai, "model_name": "house", "valid_from": start, "replaces_list": True}
        database.insert("model_prices", row | price)
    discount = {"provider_id": openai, "multiplier": "0.85", "valid_from": "2026-01-01", "note": ""}
    database.insert("price_multipliers", discount | {"billing_account": ACME, "valid_to": "2026-08-31"})
    database.insert("price_multipliers", discount | {"multiplier": "1.1", "note": "a reseller"})
    tuned = {
        "provider_id": openai,
        "model_name": "ft:gpt-5:acme::1",
        "base_model": "gpt-5",
        "note": "support",
    }
    database.insert("custom_models", tuned)


def _add_plans(database: Database) -> None:
    """A plan that became dearer, and a yearly one."""
    anthropic = provider_ids(database)["anthropic"]
    before = Subscription(anthropic, "Max", Decimal(90), date(2026, 5, 31), 31, ended_on=date(2026, 8, 1))
    after = Subscription(anthropic, "Max", Decimal("100.50"), date(2026, 8, 2), 31)
    yearly = Subscription(anthropic, "Team", Decimal(1200), date(2025, 3, 1), 1, "year")
    for plan in (before, after, yearly):
        add_subscription(database, plan)


def provider_ids(database: Database) -> dict[str, str]:
    """Ids by name."""
    return {row["name"]: row["id"] for row in select_all(database, Query("providers", "id,name", ["id"]))}


def inventory(database: Database) -> dict[str, list[Any]]:
    """What a move must keep, with names in place of ids: of each table its rows, sorted."""
    projects = {
        row["id"]: (row["name"], row["slug"], bool(row["archived_at"]))
        for row in database.call("list_projects")
    }
    sources = {
        row["id"]: row
        for row in _load(database, "imports", "id,kind,filename,format,is_enabled,status,errors")
    }
    names = {**projects, **{source: row["filename"] for source, row in sources.items()}}
    found: dict[str, list[Any]] = {"projects": list(projects.values())}
    found["sources"] = [[value for name, value in row.items() if name != "id"] for row in sources.values()]
    for table, columns in _TABLES.items():
        rows = _load(database, table, columns)
        found[table] = [[names.get(value, value) for value in _without_moves(row).values()] for row in rows]
    for table in ("cost_records", "superseded_records"):
        flags = ",money_is_effective,tokens_are_effective" if table == "cost_records" else ""
        found[table] = [
            [
                names.get(value, value)
                for name, value in row.items()
                if not (name == "source_key" and row["charge_type"] == "subscription") and name != "id"
            ]
            for row in _load(database, table, _STATEMENT + flags)
        ]
    found["totals"] = _list_totals(database, names)
    found["views"] = [
        _name_filters(row, names, database.scope.user_id) for row in database.call("list_views")
    ]
    return {table: sorted(rows, key=repr) for table, rows in found.items()}


_STATEMENT = (
    "id,timestamp,day,provider_id,model_name,cost_usd::text,cost_basis,charge_type,collection_method,tokens_used,"
    "input_tokens,output_tokens,cached_input_tokens,request_count,project_id,project_chosen_by,import_id,"
    "source_key,request_id,billing_account,dataset,billed_under_other_name,metadata::text"
)
_TABLES = {
    "project_rules": "id,position,field,match,value,project_id",
    "billing_accounts": "account,name",
    "model_aliases": "id,name,model_name",
    "model_prices": "id,model_name,valid_from,input_usd_per_mtok::text,request_usd::text,replaces_list",
    "custom_models": "id,model_name,base_model,note",
    "price_multipliers": "id,billing_account,multiplier::text,valid_from,valid_to,note",
    "budgets": "id,name,project_id,provider_id,model_name,billing_account,tag,agent,environment,customer,"
    "measure,amount::text,currency,period,starts_on_day,counts_subscriptions,counts_tax,paused_at",
    "budget_thresholds": "id,kind,percent",
    "advice": "id,kind,current_usd::text,saving_low::text,saving_mid::text,saving_high::text,confidence,"
    "basis,evidence::text,assumptions::text,window_from,window_to,status,found_at,decided_at,dismissed_saving::text,"
    "verification::text",
    "experiments": "id,name,question,project_id,primary_score,score_kind,margin::text,min_runs,status,"
    "starts_at,ends_at,decided_variant,decided_at,decision::text,gathered::text",
    "experiment_variants": "id,nth,name,is_baseline,match::text",
    "experiment_runs": "id,session,item_key,happened_at,cost_usd::text,input_tokens,calls,latency_ms,ok,"
    "source",
    "scores": "id,name,kind,value::text,scored_by",
    "invoices": "id,provider_id,seller,number,kind,issued_on,currency,subtotal::text,tax::text,total::text,"
    "usd_rate::text,card_last_four,decision",
    "invoice_lines": "id,position,description,amount::text,quantity::text,unit_price::text",
    "statement_lines": "id,provider_id,identity,kind,product,posted_on,amount::text,is_ignored",
    "subscriptions": "id,plan_name,amount_usd::text,started_on,ended_on,renewal_day,interval",
    "prompts": "id,name,project_id,tags::text,archived_at",
    "prompt_versions": "id,number,told_version,content,content_sha256,message,variables::text,labels::text,"
    "created_at",
    "prompt_deployments": "id,environment,share::text,from_at,to_at",
    "workspaces": "id,timezone,currency,alert_rules::text,trace_days,model_limits::text",
    "user_preferences": "user_id,currency,timezone,theme,weekly_digest",
}


def _name_filters(view: Row, names: dict[str, Any], me: str) -> list[Any]:
    filters = [(name, text.partition(":")) for name, text in parse_qsl(view["query"])]
    return [
        view["name"],
        [
            [name, key, mark, "me" if value == me else names.get(value, value)]
            for name, (key, mark, value) in filters
        ],
    ]


def _load(database: Database, table: str, columns: str) -> list[Row]:
    where = {"workspaces": {"id": database.scope.workspace_id}}.get(table, {})
    if table == "user_preferences":
        where = {"user_id": database.scope.user_id}
    order = columns.partition(",")[0] if table in ("billing_accounts", "user_preferences") else "id"
    return list(select_all(database, Query(table, columns, [order], where)))


def _without_moves(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("id", "user_id")}


def _list_totals(database: Database, names: dict[str, Any]) -> list[Sequence[Any]]:
    columns = database.call("daily_costs", from_date=None, to_date=None, split="project")
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [[names.get(value, value) for value in row.values()] for row in rows]
