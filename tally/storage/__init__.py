"""Access to the database over PostgREST or Postgres, and exports."""
