"""Keys with which programs send what they spend, or read it."""
