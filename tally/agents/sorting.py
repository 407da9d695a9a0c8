"""Requests sorted by the workspace that they go to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tally.agents.events import Event
from tally.agents.routes import Destination, Routes

LEFT_OUT = ""  # in place of a workspace


class FiledEvent(NamedTuple):
    """A request, and the id of the project that a folder rule chose for it; empty for none."""

    event: Event
    project_id: str


@dataclass(slots=True)
class SortedEvents:
    """Requests by the id of their workspace, and those that stay on this machine."""

    sent: dict[str, list[FiledEvent]] = field(default_factory=lambda: defaultdict(list))
    left_out: list[Event] = field(default_factory=list)
    without_folder: list[Event] = field(default_factory=list)
    elsewhere: int = 0  # requests that were collected into another workspace than the present rules name

    @property
    def by_workspace(self) -> dict[str, list[Event]]:
        """All requests as read positions store them."""
        sent = {workspace: [filed.event for filed in filed] for workspace, filed in self.sent.items()}
        return sent | {LEFT_OUT: self.left_out + self.without_folder}


def sort_events(events: Iterable[Event], routes: Routes, known: Mapping[str, str]) -> SortedEvents:
    """Sort requests by their folders.

    `known` has the workspaces of those collected before. A request whose folder goes elsewhere by now is
    neither sent there, where it would count again, nor to where it was sent before the rule was made.
    """
    result = SortedEvents()
    for event in events:
        route = routes.find(event.folder)
        target = route.workspace_id if isinstance(route, Destination) else LEFT_OUT
        if known.get(event.name, target) != target:
            result.elsewhere += 1
            continue
        if isinstance(route, Destination):
            result.sent[target].append(FiledEvent(event, route.project_id))
        elif route == "never":
            result.left_out.append(event)
        else:
            result.without_folder.append(event)
    return result
