"""Visits of pages by many people at once, and beside an account that asks for all that the machine has.

A visit is what a browser does after the page's files are there: the socket, a run of the script with its
queries, and every element of the answer. Painting is not in it, as each person's own machine does that.
"""

import asyncio
import multiprocessing
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

import httpx
import psycopg
import websockets

from bench.measurement import Measurement, Options
from bench.pages import fill_account
from bench.sample_account import EMAIL, PASSWORD
from bench.visits import VISIT_SECONDS, p95, sign_in, visit
from tally.accounts.auth_client import AuthClient
from tests.app.app_server import CHECKOUT, AppServer
from tests.embedded import temporary_stack

PEOPLE, NEIGHBOURS = 50, 9
VISITS_ALONE, ROUNDS, THINK_SECONDS = 30, 15, 2.0
CROWD_BAR, HOSTILE_BAR = 2.0, 2.0
HEAVY_QUERIES, SOCKETS, UPLOADS = 24, 60, 4
LEAST_PRIORITY = 40
HEAVY = (
    "cost_records?select=*&order=metadata.desc,model_name.asc&limit=1000",
    "cost_records?select=*&metadata->>note=neq.x&order=cost_usd.desc&offset=1000",
    "cost_records?select=model_name,metadata&or=(model_name.like.*a*b*c*,model_name.like.*c*b*a*)&order=metadata",
    "effective_records?select=*&order=tokens_used.desc&limit=1000",
)

COPY = """
do $$
declare
    known text := (
        select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
        where attrelid = 'public.cost_records'::regclass and attnum > 0 and not attisdropped
            and attgenerated = ''
            and attname not in ('id', 'workspace_id', 'user_id', 'import_id', 'subscription_id')
    );
begin
    execute format(
        'insert into public.cost_records (workspace_id, user_id, %1$s)
        select u.id, u.id, %2$s from public.cost_records as r, auth.users as u
        where r.workspace_id = %3$L and u.id <> %3$L',
        known, replace('r.' || known, ', ', ', r.'), '{owner}'
    );
end $$"""


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in account: the cookies of its browser, and its token for the data API."""

    cookies: str
    token: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A running Tally and the people on it."""

    url: str
    data_url: str
    key: str
    people: Sequence[Person]


def measure(options: Options) -> list[Measurement]:
    """Measure visits of one person, of all at once, and of some beside a hostile one."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        settings = opened.enter_context(temporary_stack(on_disk=True)).settings()
        app = opened.enter_context(AppServer(folder, settings | {"TALLY_RENDER_WAIT_SECONDS": "0"}))
        machine = _fill(app.url, settings, options.scaled(PEOPLE))
        return asyncio.run(_measure(machine))


def _fill(url: str, settings: dict[str, str], number: int) -> Machine:
    """Sign up as many people, each with the same half year of usage."""
    fill_account(settings, CHECKOUT)
    accounts = AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
    emails = [EMAIL, *(f"{uuid4().hex[:12]}@example.com" for _ in range(number))]
    for email in emails[1:]:
        accounts.sign_up(email, PASSWORD)
    with psycopg.connect(settings["DATABASE_URL"], autocommit=True) as database:
        (owner,) = database.execute("select id from auth.users where email = %s", [EMAIL]).fetchone() or ("",)
        database.execute(COPY.replace("{owner}", str(owner)).encode())
        database.execute("select public.refresh_cost_records_daily()")
        database.execute("vacuum (analyze) public.cost_records, private.cost_records_daily")
    people = [_sign_in(url, settings, email) for email in emails]
    return Machine(url, settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"], people)


def _sign_in(url: str, settings: dict[str, str], email: str) -> Person:
    accounts = AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
    return Person(sign_in(url, email, PASSWORD), accounts.sign_in(email, PASSWORD).access_token)


async def _measure(machine: Machine) -> list[Measurement]:
    *readers, hostile = machine.people
    for reader in readers:  # what each person's first visit makes is there
        await visit(machine.url, reader.cookies)
    alone = [await visit(machine.url, readers[0].cookies) for _ in range(VISITS_ALONE)]
    crowd = await asyncio.gather(*(visit(machine.url, reader.cookies) for reader in readers * 2))
    quiet = await _neighbours(machine, readers[:NEIGHBOURS])
    with _under_attack(machine, hostile):
        beside = await _neighbours(machine, readers[:NEIGHBOURS])
    in_turns = p95(alone) * len(crowd) / (os.cpu_count() or 1)
    return [
        _compare(
            f"visit, p95 of {len(crowd)} at once, against one after another", crowd, in_turns, CROWD_BAR
        ),
        _compare(f"visit, p95 of {NEIGHBOURS} people beside a hostile one", beside, p95(quiet), HOSTILE_BAR),
    ]


def _compare(name: str, taken: Sequence[float], baseline: float, bar: float) -> Measurement:
    return Measurement(name, p95(taken), "s", baseline, p95(taken) / baseline, bar)


async def _neighbours(machine: Machine, readers: Sequence[Person]) -> list[float]:
    """Visits of each after pauses of random lengths, so that they meet as often in each measurement."""

    async def read(reader: Person, nth: int) -> list[float]:
        taken, dice = [], Random(nth)
        for _ in range(ROUNDS):
            await asyncio.sleep(dice.uniform(0, 2 * THINK_SECONDS))
            taken.append(await visit(machine.url, reader.cookies))
        return taken

    visits = await asyncio.gather(*(read(reader, nth) for nth, reader in enumerate(readers)))
    return [seconds for taken in visits for seconds in taken]


@contextmanager
def _under_attack(machine: Machine, hostile: Person) -> Iterator[None]:
    """A hostile account sends heavy queries, opens pages and uploads without a pause.

    In a process that gives way to all others: the attack's own work is that of another machine.
    """
    attacker = multiprocessing.get_context("spawn").Process(target=_attack, args=(machine, hostile))
    attacker.start()
    try:
        yield
    finally:
        attacker.terminate()
        attacker.join()


def _attack(machine: Machine, hostile: Person) -> None:
    os.nice(LEAST_PRIORITY)
    asyncio.run(_attack_all(machine, hostile))


async def _attack_all(machine: Machine, hostile: Person) -> None:
    async with httpx.AsyncClient(timeout=VISIT_SECONDS) as client:
        attacks: list[Callable[[int], Awaitable[object]]] = [
            *[lambda nth: _query(machine, hostile, client, nth)] * HEAVY_QUERIES,
            *[lambda _: visit(machine.url, hostile.cookies)] * SOCKETS,
            *[lambda _: _upload(machine, hostile, client)] * UPLOADS,
        ]
        await asyncio.gather(*(_repeat(attack, nth) for nth, attack in enumerate(attacks)))


async def _repeat(attack: Callable[[int], Awaitable[object]], nth: int) -> None:
    """Go on until cancelled; being refused is no reason to stop, but to wait as long as a program would."""
    while True:
        with suppress(httpx.HTTPError, OSError, TimeoutError, RuntimeError, websockets.WebSocketException):
            await attack(nth)
        await asyncio.sleep(0.05)


async def _query(machine: Machine, person: Person, client: httpx.AsyncClient, nth: int) -> None:
    headers = {"apikey": machine.key, "authorization": f"Bearer {person.token}"}
    await client.get(f"{machine.data_url}/rest/v1/{HEAVY[nth % len(HEAVY)]}", headers=headers)


async def _upload(machine: Machine, person: Person, client: httpx.AsyncClient) -> None:
    target = f"{machine.url}/_stcore/upload_file/{uuid4()}/{uuid4()}"
    headers = {"cookie": person.cookies, "origin": machine.url}
    await client.put(target, headers=headers, files={"file": ("costs.csv", b"x" * 20_000_000)})
