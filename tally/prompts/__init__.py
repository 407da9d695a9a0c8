"""Prompts: their texts and variables, versions, deployments, and what versions cost."""
