"""Random members, sources, rules and moves: each event counts once, and every split adds up to the total."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid5

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import COLLEAGUES, Person, make_team
from tests.database_fixtures import Connection, Project

NAMES = UUID("0b0e8a5c-7c0a-4f6e-9d57-9d1f2f6f3f10")
ZONES = ("UTC", "Pacific/Kiritimati", "America/St_Johns", "Europe/Berlin")
EVENTS = 12
FOLDERS = ("/work/web", "/work/app", "/home/ann")
PEOPLE = ("ann@example.org", "bob", "nobody")
TAGS = ("prod", "dev")
Totals = tuple[Decimal, int, int]


@dataclass
class Scene:
    """A workspace of several people, what they did, and what may be expected of it."""

    database: Connection
    chance: Random
    people: dict[str, Person]
    projects: list[UUID]
    sources: dict[UUID, tuple[Person, set[int]]] = field(default_factory=dict)  # their events
    disabled: set[UUID] = field(default_factory=set)
    by_hand: int = 0

    def expected(self) -> Totals:
        """Money, tokens and records where each event of an enabled source counts once."""
        events = {
            event
            for source, (_, events) in self.sources.items()
            if source not in self.disabled
            for event in events
        }
        cost = sum(map(cost_of, events), Decimal(0)) + self.by_hand
        return cost, 10 * len(events) + 10 * self.by_hand, len(events) + self.by_hand


def cost_of(event: int) -> Decimal:
    return Decimal(event + 1) / 8


def statement(chance: Random, event: int) -> dict[str, Any]:
    """A source's own words about an event: the figures are the same, the traits and the time differ."""
    metadata: dict[str, Any] = {}
    if chance.random() < 0.7:
        metadata["project"] = chance.choice(FOLDERS)
    if chance.random() < 0.7:
        metadata["user_email"] = chance.choice(PEOPLE)
    if chance.random() < 0.4:
        metadata["tags"] = chance.sample(TAGS, chance.randint(1, 2))
    return {
        "provider": "openai",
        "timestamp": f"2026-05-{event // 4 + 1:02}T{chance.randrange(24):02}:30:00Z",
        "model_name": f"model-{event % 2}",
        "cost_usd": str(cost_of(event)),
        "cost_basis": chance.choice(["billed", "estimated"]),
        "collection_method": chance.choice(["local_log", "csv_import", "api_automated"]),
        "input_tokens": 10,
        "request_id": f"request {event}",
        "source_key": str(uuid5(NAMES, str(event))),
        "metadata": metadata,
    }


def save(scene: Scene) -> None:
    """Somebody's source reports some events."""
    person = scene.people[scene.chance.choice(["ann", "bob", "admin"])]
    own = [source for source, (owner, _) in scene.sources.items() if owner is person]
    if own and scene.chance.random() < 0.5:
        source = scene.chance.choice(own)
    else:
        source = person.add_source(name=str(len(scene.sources)))
        scene.sources[source] = person, set()
    events = scene.chance.sample(range(EVENTS), scene.chance.randint(1, 5))
    person.save(source, *(statement(scene.chance, event) for event in events))
    scene.sources[source][1].update(events)


def save_by_hand(scene: Scene) -> None:
    person = scene.people[scene.chance.choice(["ann", "bob"])]
    made = statement(scene.chance, 7) | {"cost_usd": "1", "request_id": None, "source_key": None}
    person.save(None, made)
    scene.by_hand += 1


def undo(scene: Scene) -> None:
    """Delete a source."""
    if scene.sources:
        source = scene.chance.choice(list(scene.sources))
        owner, _ = scene.sources.pop(source)
        owner.connection.execute("delete from public.imports where id = %s", [source])
        scene.disabled.discard(source)


def toggle(scene: Scene) -> None:
    """Disable a source, or enable it again."""
    if scene.sources:
        source = scene.chance.choice(list(scene.sources))
        scene.disabled ^= {source}
        query = "update public.imports set is_enabled = not is_enabled where id = %s"
        scene.people["admin"].connection.execute(query, [source])


def choose(scene: Scene) -> None:
    """An admin chooses a project for a record."""
    project = scene.chance.choice([None, *scene.projects])
    condition = "id = (select id from public.cost_records order by md5(id::text) limit 1)"
    scene.people["admin"].choose(project, condition)


def random_rules(scene: Scene) -> list[dict[str, Any]]:
    values = {
        "folder": [*FOLDERS, "/work", "/work/w"],
        "person": [*PEOPLE, "ANN@example.org"],
        "tag": list(TAGS),
        "model": ["model-0", "MODEL-1"],
        "source": [str(source) for source in scene.sources] or ["none"],
        "repository": ["none"],
    }
    rules: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(scene.chance.randint(0, 5)):
        asked, match = scene.chance.choice(list(values)), scene.chance.choice(["exact", "prefix"])
        value = scene.chance.choice(values[asked])
        rules[asked, match, value.lower()] = {
            "field": asked,
            "match": match,
            "value": value,
            "project_id": str(scene.chance.choice(scene.projects)),
        }
    return list(rules.values())


def set_rules(scene: Scene) -> None:
    """Change the rules, exactly as their preview says."""
    _change(scene, "rules", random_rules(scene), "project_id", "project")
    assert_filed_by_rules(scene)


def set_aliases(scene: Scene) -> None:
    """Change the aliases, exactly as their preview says."""
    chosen = scene.chance.sample(PEOPLE, scene.chance.randint(0, 3))
    people = [scene.people[name] for name in ("ann", "bob", "viewer")]
    aliases = [{"value": value, "user_id": str(scene.chance.choice(people).id)} for value in chosen]
    _change(scene, "aliases", aliases, "user_id", "person")


def _change(scene: Scene, kind: str, wanted: list[dict[str, Any]], column: str, what: str) -> None:
    admin = scene.people["admin"]
    before, owners = totals(admin), _column(scene, column)
    preview = admin.ask(f"preview_{kind}", **{kind: wanted})
    assert _column(scene, column) == owners
    assert admin.ask(f"set_{kind}", **{kind: wanted}) == preview
    after = _column(scene, column)
    moved = [(key[0], (owners[key], after[key])) for key in owners if owners[key] != after[key]]
    said = {(move[f"from_{what}"], move[f"to_{what}"]): move["records"] for move in preview["moves"]}
    assert said == Counter(pair for is_record, pair in moved if is_record)
    assert preview["records"] + preview["superseded_records"] == len(moved)
    assert totals(admin) == before
    assert admin.ask(f"preview_{kind}", **{kind: wanted})["records"] == 0


def _column(scene: Scene, column: str) -> dict[tuple[bool, UUID], str | None]:
    """A column of all statements of the workspace."""
    query = f"""
        select true, id, {column}::text from public.cost_records where workspace_id = %(id)s
        union all
        select false, id, {column}::text from public.superseded_records where workspace_id = %(id)s"""
    rows = scene.database.execute(query.encode(), {"id": scene.people["admin"].workspace}).fetchall()
    return {(is_record, key): value for is_record, key, value in rows}


def assert_filed_by_rules(scene: Scene) -> None:
    """Compare the project of each statement that nobody chose with its first matching rule."""
    workspace = scene.people["admin"].workspace
    rules = scene.database.execute(
        """select field, match, value, project_id from public.project_rules
        where workspace_id = %s order by position""",
        [workspace],
    ).fetchall()
    columns = "project_id, metadata, import_id, model_key, project_chosen_by"
    statements = scene.database.execute(
        f"""select {columns} from public.cost_records where workspace_id = %(id)s
        union all select {columns} from public.superseded_records where workspace_id = %(id)s""".encode(),
        {"id": workspace},
    ).fetchall()
    for project, metadata, source, model, is_chosen in statements:
        if is_chosen:
            continue
        traits = {
            "folder": [metadata.get("project")],
            "person": [metadata.get("user_email")],
            "tag": metadata.get("tags", []),
            "model": [model],
            "source": [str(source)],
            "repository": [],
        }
        met = (
            filed_under
            for asked, match, value, filed_under in rules
            for trait in traits[asked]
            if trait and (trait == value if match == "exact" else trait.startswith(value))
        )
        assert project == next(met, None), (metadata, model)


def rezone(scene: Scene) -> None:
    query = "update public.workspaces set timezone = %s where id = %s"
    scene.database.execute(query, [scene.chance.choice(ZONES), scene.people["admin"].workspace])


def fold(scene: Scene) -> None:
    scene.database.execute("select public.fold_stale_days()")


def refresh(scene: Scene) -> None:
    scene.database.execute("select public.refresh_cost_records_daily()")


ACTIONS: list[Callable[[Scene], None]] = [
    save, save, save, save_by_hand, undo, toggle, choose, set_rules, set_aliases, rezone, fold, refresh,
]  # fmt: skip


def add_up(columns: dict[str, list[Any]]) -> Totals:
    cost = sum((Decimal(cost) for cost in columns["cost_usd"] if cost is not None), Decimal(0))
    return cost, sum(columns["tokens"]), sum(columns["records"])


def totals(person: Person) -> Totals:
    """The whole of the workspace, as a person reads it; every split and every day add up to it."""
    whole = person.ask("daily_costs")
    found = add_up(whole)
    for split in ("project", "person"):
        assert add_up(person.ask("daily_costs", split=split)) == found
    days = [person.ask("daily_costs", from_date=day, to_date=day) for day in sorted(set(whole["date"]))]
    assert tuple(map(sum, zip(*map(add_up, days), strict=True))) == (found if days else ())
    query = "select public.get_user_total_spend(%s, '2026-01-01', '2027-01-01')"
    assert person.connection.execute(query, [person.workspace]).fetchone() == (found[0],)
    return found


@given(seed=st.integers(0, 10**6), steps=st.integers(5, 25))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_split_of_a_team_adds_up(project: Project, seed: int, steps: int) -> None:
    chance = Random(seed)
    with ExitStack() as opened:
        database = opened.enter_context(project.connect())
        people = make_team(project, database, *COLLEAGUES).people
        for person in people.values():
            opened.enter_context(person.connection)
        projects = [people["admin"].add_project(name, is_private=name == "C") for name in "ABC"]
        scene = Scene(database, chance, people, projects)
        for step in range(steps):
            chance.choice(ACTIONS)(scene)
            if step % 4 == 0 or step == steps - 1:
                assert totals(people["admin"]) == scene.expected()
                assert totals(people["bob"]) == scene.expected()
        set_rules(scene)
        for _ in range(5):
            chance.choice([save, save, save, toggle, undo])(scene)
            assert_filed_by_rules(scene)
        assert totals(people["viewer"]) == scene.expected()
