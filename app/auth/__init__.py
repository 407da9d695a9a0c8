"""Sign-in pages, sessions, cookies and rate limits."""
