"""The nightly run: its steps, what it reads and what it stores."""
