"""Providers of models and tools."""

from dataclasses import dataclass

from app.auth.identity import User, supabase_client
from app.data.reading import cached, fetch_rows


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: id, slug and display name."""

    provider_id: str
    slug: str
    name: str


@cached
def load_providers(user: User) -> list[Provider]:
    """All providers, sorted by name."""
    table = supabase_client(user).table("providers")
    rows = fetch_rows(table.select("id,name,display_name").order("display_name"))
    return [Provider(row["id"], row["name"], row["display_name"]) for row in rows]
