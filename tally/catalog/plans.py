"""Subscription plans that cover what else an API is paid for."""

# API provider -> the provider of its subscription plan.
PLANS = {
    "anthropic": "claude-desktop",
    "openai": "chatgpt",
    "google": "gemini-app",
    "github-copilot": "github-copilot",
}
