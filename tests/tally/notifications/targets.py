"""A target of each kind of channel, as people give it; none exists."""

TARGETS: dict[str, dict[str, str]] = {
    "email": {"address": "team@example.org"},
    "slack": {"url": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"},
    "discord": {"url": "https://discord.com/api/webhooks/123456789012345678/" + "abcDEF_-" * 8},
    "teams": {
        "url": "https://prod-12.westeurope.logic.azure.com:443/workflows/abc/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=S3cr3t_-Signature"
    },
    "pagerduty": {"routing_key": "R0UT1NG" + "0" * 25, "region": "us"},
    "telegram": {"token": "123456789:" + "AAabc_-" * 5, "chat": "-1001234567890"},
    "ntfy": {"server": "https://ntfy.example.org", "topic": "tally-Xq7pR2m9", "token": ""},
    "webhook": {
        "url": "https://webhook.example.org/tally?key=1",
        "secret": "whsec_" + "QUJD" * 10 + "QUJDRA==",
    },
}
HOSTS = {
    "slack": "hooks.slack.com",
    "discord": "discord.com",
    "teams": "prod-12.westeurope.logic.azure.com",
    "pagerduty": "events.pagerduty.com",
    "telegram": "api.telegram.org",
    "ntfy": "ntfy.example.org",
    "webhook": "webhook.example.org",
}
