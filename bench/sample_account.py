"""Sign up and load sample data: a script for the Python of any checkout, with settings in the environment."""

import os
from datetime import UTC, datetime
from inspect import signature

from supabase import create_client

from tally.storage.postgrest import SupabaseDatabase

try:
    from tally.samples.sample import load
except ImportError:  # an older checkout
    from tally.spend.sample_data import load

EMAIL, PASSWORD = "ada@example.com", "correct horse 1"


def main() -> None:
    """Make the account."""
    client = create_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_PUBLISHABLE_KEY"])
    user = client.auth.sign_up({"email": EMAIL, "password": PASSWORD}).user
    assert user is not None
    # Older checkouts need no user.
    arguments = [user.id] if "user_id" in signature(SupabaseDatabase).parameters else []
    load(SupabaseDatabase(client, *arguments), datetime.now(UTC).date())


if __name__ == "__main__":
    main()
