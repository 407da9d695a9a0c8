"""Sign up and load sample data: a script for the Python of any checkout, with settings in the environment."""

import os
from datetime import UTC, datetime

from supabase import create_client

from tally.spend import sample_data
from tally.storage.postgrest import SupabaseDatabase

EMAIL, PASSWORD = "bench@example.com", "correct horse 1"


def main() -> None:
    """Make the account."""
    client = create_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_PUBLISHABLE_KEY"])
    client.auth.sign_up({"email": EMAIL, "password": PASSWORD})
    sample_data.load(SupabaseDatabase(client), datetime.now(UTC).date())


if __name__ == "__main__":
    main()
