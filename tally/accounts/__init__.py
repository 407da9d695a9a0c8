"""Sign-in: the client of Supabase Auth and the CLI session."""
