"""The same sessions of coding agents by telemetry, `tally collect` and the provider's API: each call once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import httpx
import psycopg
import pytest

from api.app import create_api
from api.settings import ApiSettings
from tally.api_keys.keys import NewKey, create_key
from tally.local.stack import Stack
from tally.telemetry.calls import Call
from tests.api.server import ApiServer
from tests.api.test_captures import send
from tests.program_environment import program_environment
from tests.tally.agents.homes import claude_row, codex_rows, codex_usage, write_claude, write_codex
from tests.tally.cli.in_process import run_tally
from tests.tally.connectors.fake_providers import FakeProviders, serve, unix
from tests.tally.connectors.users import connect, point_providers_at, shorten_history, sync
from tests.tally.people import Person, money_is_exact, over_http, over_postgres, sign_up
from tests.tally.telemetry import captures

DAY = date(2026, 11, 28)
PASSWORD = "correct horse 1"
CLAUDE, CODEX = ("claude-code-json", "claude-code-proto-traces"), ("codex-binary",)
SOURCES = ("telemetry", "logs", "provider")
# What the provider served and bills: two calls of Claude Code, one of Codex.
SERVED = {
    ("anthropic", "claude-sonnet-4-5"): (2 * (15_912 + 340), Decimal("0.027372")),
    ("openai", "gpt-5-codex"): (1_200 + 50, Decimal("0.000875")),
}
SHOWN = """select p.name, r.model_name, sum(r.tokens_used), sum(r.cost_usd)
from public.effective_records as r inner join public.providers as p on r.provider_id = p.id
where r.workspace_id = %s group by 1, 2"""


@dataclass
class Account:
    """Somebody whose agents are seen in three ways."""

    stack: Stack
    api: ApiServer
    home: Path
    person: Person = field(init=False)

    def __post_init__(self) -> None:
        self.person = sign_up(self.stack)

    def telemetry(self) -> None:
        """Send telemetry, as the agents do while they work."""
        with over_postgres(self.stack, self.person) as database:
            key = create_key(database, NewKey("laptop")).text
        client: httpx.Client = self.api.client(key)
        for name in (*CLAUDE, *CODEX):
            for request in captures.load(name):
                assert send(client, request).status_code == 200

    def logs(self) -> None:
        """Collect the logs that they leave on the machine."""
        write_logs(self.home)
        settings = {key: self.stack.settings()[key] for key in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}
        folders = {"HOME": str(self.home), "TALLY_HOME": str(self.home / "tally")}
        environment = program_environment(**folders, **settings)
        for arguments, given in (
            (("login", "--email", self.person.email, "--password-stdin"), f"{PASSWORD}\n"),
            (("collect", "--paid-by", "claude-code=api", "--paid-by", "codex=api"), ""),
        ):
            answer = run_tally(*arguments, environment=environment, given=given)
            assert answer.returncode == 0, answer.stderr

    def provider(self) -> None:
        """Fetch bills and usage of the providers."""
        database = over_http(self.stack, self.person)
        for provider in ("anthropic", "openai"):
            assert sync(database, connect(database, provider), date(2026, 11, 30)).error is None

    def shown(self) -> dict[tuple[str, str], tuple[int, Decimal]]:
        """Tokens and cost of each model."""
        with psycopg.connect(self.stack.settings()["DATABASE_URL"]) as connection:
            rows = connection.execute(SHOWN, [self.person.user_id]).fetchall()
        return {(provider, model): (int(tokens), cost) for provider, model, tokens, cost in rows}


def calls_of(*names: str) -> list[Call]:
    return [call for name in names for call in captures.choose(captures.load(name)).counted]


def write_logs(home: Path) -> None:
    """The logs that the agents wrote of the captured sessions."""
    for number, call in enumerate(calls_of(*CLAUDE)):
        usage = {
            "input_tokens": 12,
            "output_tokens": 340,
            "cache_read_input_tokens": 15_000,
            "cache_creation_input_tokens": 900,
            "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 300},
        }
        row = claude_row(
            f"msg_of_{number}",
            call.request_ids[-1],
            at=stamp(call.timestamp),
            session=call.session,
            usage=usage,
        )
        write_claude(home, row, file=f"garden/{call.session}.jsonl")
    [call] = calls_of(*CODEX)
    told = codex_usage(1_200, 50, 1_000, 20)
    counted = {"at": stamp(call.timestamp), "last_token_usage": told, "total_token_usage": told}
    write_codex(
        home,
        codex_rows(counted, model="gpt-5-codex", id=call.session),
        file=f"2026/11/28/rollout-{call.session}.jsonl",
    )


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def report_day(providers: FakeProviders) -> None:
    """Let the providers' APIs know nothing but these calls."""
    bucket = {"starting_at": f"{DAY}T00:00:00Z", "ending_at": "2026-11-29T00:00:00Z"}
    described = {
        "model": "claude-sonnet-4-5-20250929",
        "service_tier": "standard",
        "context_window": "0-200k",
        "inference_geo": "global",
        "workspace_id": None,
    }
    usage = {
        "uncached_input_tokens": 24,
        "cache_creation": {"ephemeral_5m_input_tokens": 1_200, "ephemeral_1h_input_tokens": 600},
        "cache_read_input_tokens": 30_000,
        "output_tokens": 680,
        "server_tool_use": {"web_search_requests": 0},
        "account_id": None,
        "api_key_id": "apikey_1",
        "service_account_id": None,
        "speed": "standard",
    }
    cost = {
        "amount": "2.7372",
        "currency": "USD",
        "cost_type": "tokens",
        "token_type": "output_tokens",
        "description": "Claude Sonnet 4.5 Usage",
    }
    recorded = providers.recorded
    recorded["anthropic_usage_messages"]["data"] = [bucket | {"results": [described | usage]}]
    recorded["anthropic_cost_report"]["data"] = [bucket | {"results": [described | cost]}]
    recorded["anthropic_claude_code"]["data"] = []
    start = {"start_time": unix(DAY), "end_time": unix(DAY) + 86_400}
    counted = {
        "object": "organization.usage.completions.result",
        "input_tokens": 1_200,
        "output_tokens": 50,
        "input_cached_tokens": 1_000,
        "input_uncached_tokens": 200,
        "num_model_requests": 1,
        "project_id": "proj_a",
        "user_id": "user_1",
        "api_key_id": "key_a",
        "model": "gpt-5-codex",
        "batch": False,
        "service_tier": "default",
    }
    paid = {
        "object": "organization.costs.result",
        "amount": {"value": 0.000875, "currency": "usd"},
        "line_item": "gpt-5-codex, output_tokens",
        "project_id": "proj_a",
    }
    for kind, found in recorded["openai_usage"].items():
        found["data"] = [start | {"results": [counted]}] if kind == "completions" else []
    recorded["openai_costs"]["data"] = [start | {"results": [paid]}]


@pytest.fixture(scope="module")
def api_of_stack(stack: Stack) -> Iterator[ApiServer]:
    """The API on the stack's database."""
    url = stack.settings()["API_DATABASE_URL"]
    with ApiServer(create_api(ApiSettings.model_validate({"api_database_url": url}))) as running:
        yield running


@pytest.fixture
def open_account(
    stack: Stack, api_of_stack: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Account]]:
    """A function that makes an account."""
    shorten_history(monkeypatch, days=14)
    with serve() as providers, point_providers_at(stack, providers):
        report_day(providers)
        yield lambda: Account(stack, api_of_stack, tmp_path / "home")


@pytest.mark.parametrize("order", list(permutations(SOURCES)), ids=" ".join)
def test_each_call_counts_once_in_every_order(
    open_account: Callable[[], Account], order: tuple[str, ...]
) -> None:
    account = open_account()
    for source in order:
        getattr(account, source)()
        assert account.shown() == SERVED, f"after {source}"
    account.telemetry()
    account.logs()
    assert account.shown() == SERVED, "what comes again changes nothing"
    assert money_is_exact(account.stack, account.person)
