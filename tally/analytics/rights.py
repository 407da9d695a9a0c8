"""Rights of a reader, as Postgres says, and queries of the engine that cannot reach beyond it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from string import Template
from typing import TYPE_CHECKING, Any

from tally.analytics.client import explaining
from tally.storage.database import Row

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_PERIOD = "{time} >= {{{first}:DateTime64(6, 'UTC')}} and {time} < {{{last}:DateTime64(6, 'UTC')}}"
_TENANT = "workspace_id = {tenant:UUID}"
_PERSON = "({of_person:Nullable(UUID)} is null or user_id = {of_person:Nullable(UUID)})"
_RECORDS = _PERIOD.format(time="timestamp", first="first_at", last="last_at")
_AROUND = _PERIOD.format(time="timestamp", first="day_before", last="day_after")
_TRACES = _PERIOD.format(time="first_at", first="first_at", last="last_at")
# The only way to the tables: rows of one workspace in a period, as they are now.
SOURCES = {
    "records": f"(select * from records final where {_TENANT} and {_RECORDS} and {_PERSON})",
    "all_records": f"(select * from records final where {_TENANT})",
    "superseded": f"(select * from superseded final where {_TENANT} and {_RECORDS})",
    "superseded_around": f"(select * from superseded final where {_TENANT} and {_AROUND})",
    "all_superseded": f"(select * from superseded final where {_TENANT})",
    "traces": f"(select * from traces final where {_TENANT} and {_TRACES})",
}
NONE = "toUUID('00000000-0000-0000-0000-000000000000')"
# True where the reader may read a record, and not only count it.
IS_READABLE = (
    "(user_id = {caller:UUID} or ({reads_others:Bool} "
    f"and not has({{hidden:Array(UUID)}}, ifNull(project_id, {NONE}))))"
)
SETTINGS = {"max_execution_time": 30}


@dataclass(frozen=True, slots=True)
class Rights:
    """Rights of a signed-in person to read a workspace, as Postgres says."""

    tenant: str
    caller: str
    only_own: str | None
    hidden: tuple[str, ...]  # private projects of others
    of_person: str | None = None  # whose records count alone

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Rights:
        """The rights in the answer of a function of 128_engine_rights."""
        return cls(
            answer["tenant"],
            answer["caller"],
            answer["only_own"],
            tuple(answer["hidden"]),
            answer.get("of_person"),
        )

    @property
    def reads_all(self) -> bool:
        """True if each record may be read."""
        return self.only_own is None and not self.hidden


@dataclass(frozen=True, slots=True)
class Scope:
    """A reader's view of a workspace in a period: all queries of the engine go through it."""

    client: Client
    rights: Rights
    first_at: datetime
    last_at: datetime  # exclusive

    def ask(self, query: str, parameters: Mapping[str, Any]) -> Sequence[Row]:
        """The rows of a query over `$records` and its like; all values are its parameters.

        Raises EngineError, and ValueError for a query of no such source.
        """
        template = Template(query)
        if not set(template.get_identifiers()) & set(SOURCES):
            raise ValueError("A query of the engine is about rows of one workspace.")
        own = self._parameters()
        if own.keys() & parameters.keys():
            raise ValueError("Parameters of a query may not replace those of its scope.")
        with explaining():
            found = self.client.query(
                template.substitute(SOURCES), parameters={**parameters, **own}, settings=SETTINGS
            )
            return list(found.named_results())

    def _parameters(self) -> dict[str, Any]:
        rights, day = self.rights, timedelta(days=1)
        return {
            "tenant": rights.tenant,
            "caller": rights.caller,
            "reads_others": rights.only_own is None,
            "hidden": list(rights.hidden),
            "of_person": rights.of_person,
            "first_at": _instant(self.first_at),
            "last_at": _instant(self.last_at),
            "day_before": _instant(self.first_at - day),
            "day_after": _instant(self.last_at + day),
        }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
