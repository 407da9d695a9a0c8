"""Messages in each service's form, targets as people give them, and what answers mean."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from tally.core.settings import Settings
from tally.notifications.checking import check_target
from tally.notifications.messages import Message
from tally.notifications.senders import KINDS, SENDERS, email, webhook
from tally.notifications.senders.judging import find_wait
from tally.notifications.senders.protocol import TargetRefused
from tally.notifications.transport import Answer, Request
from tests.every_case import every_case
from tests.tally.notifications.fake_services import ERRORS, SUCCESS, Received, Reply
from tests.tally.notifications.targets import HOSTS, TARGETS

SETTINGS = Settings(supabase_url="", supabase_publishable_key="")
PRIVATE = SETTINGS.model_copy(update={"tally_allow_private_webhooks": True})
MESSAGE = Message(
    delivery_id="11111111-1111-4111-8111-111111111111",
    kind="open",
    about="budget",
    severity="warning",
    title="Budget “Web”: 80% is reached",
    sentences=("Spent this month: $812.40 of $1,000.00 (81%).", "Likely end: $980.00 to $1,310.00."),
    as_of="29 November 2026, 08:00 (Europe/Berlin)",
    workspace="Northwind",
    occurred_at=datetime(2026, 11, 29, 7, tzinfo=UTC),
    key="22222222-2222-4222-8222-222222222222",
    link="https://tally.example.org/budgets",
    facts={"budget": "Web"},
)  # fmt: skip
LONG = replace(MESSAGE, title="T" * 500, sentences=("S" * 5_000,) * 3)
DIGEST = replace(MESSAGE, kind="digest", sentences=(), parts=(MESSAGE,) * 30, key="")


def received(request: Request) -> Received:
    """The request as its service gets it."""
    host, _, path = request.url.partition("//")[2].partition("/")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Received(host.removesuffix(":443"), f"/{path}", headers, request.body)


def as_answer(reply: Reply) -> Answer:
    """A service's reply as the transport returns it."""
    return Answer(
        reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body.encode()
    )


@pytest.mark.parametrize("message", [MESSAGE, LONG, DIGEST, replace(MESSAGE, kind="clear")])
@pytest.mark.parametrize("kind", SENDERS)
def test_service_takes_the_message(kind: str, message: Message) -> None:
    sender = SENDERS[kind]
    request = received(sender.compose(message, sender.check(TARGETS[kind])))

    assert request.host == HOSTS[kind]
    outcome = sender.judge(as_answer(SUCCESS[request.host](request)))
    assert (outcome.problem, outcome.is_final) == (None, False)


@every_case([(kind,) for kind in SENDERS])
def test_message_says_amount_range_time_and_place(kind: str) -> None:
    sender = SENDERS[kind]
    text = sender.compose(MESSAGE, sender.check(TARGETS[kind])).body.decode()
    for part in (
        "$812.40 of $1,000.00",
        "$980.00 to $1,310.00",
        "As of 29 November 2026, 08:00",
        "Northwind",
    ):
        assert part in text
    assert "https://tally.example.org/budgets" in text


@every_case([(kind,) for kind in SENDERS])
def test_digest_names_what_it_leaves_out(kind: str) -> None:
    sender = SENDERS[kind]
    text = sender.compose(DIGEST, sender.check(TARGETS[kind])).body.decode()
    assert "And 10 more, in the history of alerts." in text or kind == "pagerduty"


def all_errors() -> Iterator[tuple[str, str, Reply]]:
    """Each service's errors."""
    for kind, host in HOSTS.items():
        for name, reply in ERRORS[host].items():
            yield kind, name, reply


TEMPORARY = ("busy", "down", "odd")


@every_case(list(all_errors()))
def test_error_is_a_sentence_without_the_answer(kind: str, name: str, reply: Reply) -> None:
    outcome = SENDERS[kind].judge(as_answer(reply))

    assert outcome.status == reply.status
    assert outcome.is_final == (name not in TEMPORARY)
    assert outcome.problem
    assert outcome.problem.endswith(f"({reply.status}).")
    for word in ("invalid_token", "no_service", "Unknown Webhook", "forbidden", "<html>", "upstream"):
        assert word not in outcome.problem


@every_case([("slack", 30), ("discord", 42.5), ("teams", 17), ("telegram", 35), ("webhook", 3), ("ntfy", 0)])
def test_service_says_how_long_to_wait(kind: str, seconds: float) -> None:
    assert SENDERS[kind].judge(as_answer(ERRORS[HOSTS[kind]]["busy"])).wait == seconds


def test_rate_limit_that_is_used_up_is_heeded_after_success() -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}
    outcome = SENDERS["discord"].judge(as_answer(Reply(200, "{}", headers)))
    assert (outcome.problem, outcome.wait) == (None, 1.5)


@every_case(
    [(value,) for value in ["1e999", "-5", "nan", "soon", "", "99999999999", "Wed, 21 Oct 2015 07:28:00 GMT"]]
)
def test_odd_waits_are_bounded(value: str) -> None:
    assert (
        0
        <= find_wait(Answer(429, {"retry-after": value}, b'{"retry_after": "x", "parameters": 3}'))
        <= 86_400
    )


def test_date_to_wait_for_is_understood() -> None:
    answer = Answer(503, {"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"}, b"")
    assert find_wait(answer) == 86_400


@every_case([(status,) for status in [200, 201, 202, 204, 299]])
def test_webhook_counts_every_success(status: int) -> None:
    assert webhook.judge(Answer(status, {}, b"")).problem is None


def test_webhook_is_signed_as_standard_webhooks_says() -> None:
    target = webhook.check({"url": "https://example.org/in"})
    request = webhook.compose(MESSAGE, target)

    body = Webhook(target["secret"]).verify(request.body, dict(request.headers))
    assert body["type"] == "budget.raised"
    assert body["data"]["facts"] == {"budget": "Web"}
    assert request.headers["webhook-id"] == MESSAGE.delivery_id
    with pytest.raises(Exception, match="signature"):
        Webhook(webhook.make_secret()).verify(request.body, dict(request.headers))
    with pytest.raises(Exception, match="signature"):
        Webhook(target["secret"]).verify(request.body + b" ", dict(request.headers))


def test_old_secret_is_valid_until_the_next_one() -> None:
    first = webhook.check({"url": "https://example.org/in"})
    second = webhook.check({"url": "https://example.org/in", "old_secret": first["secret"]})
    third = webhook.check({"url": "https://example.org/in", "old_secret": second["secret"]})

    request = webhook.compose(MESSAGE, second)
    for secret in (first["secret"], second["secret"]):
        Webhook(secret).verify(request.body, dict(request.headers))
    request = webhook.compose(MESSAGE, third)
    with pytest.raises(Exception, match="signature"):
        Webhook(first["secret"]).verify(request.body, dict(request.headers))


def test_incident_is_opened_and_resolved_under_one_key() -> None:
    sender = SENDERS["pagerduty"]
    opened, cleared = (
        json.loads(sender.compose(replace(MESSAGE, kind=kind, delivery_id=kind), TARGETS["pagerduty"]).body)
        for kind in ("open", "clear")
    )
    assert (opened["event_action"], cleared["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == cleared["dedup_key"] == f"tally-{MESSAGE.key}"


HOSTILE = "<!channel> @everyone [x](https://evil.example) *b* `c` <https://evil.example|d> &amp; \\ ~s~ ||t||"


@every_case([(kind,) for kind in SENDERS])
def test_hostile_text_is_no_markup(kind: str) -> None:
    hostile = replace(MESSAGE, title=HOSTILE, sentences=(HOSTILE,))
    content = json.loads(SENDERS[kind].compose(hostile, SENDERS[kind].check(TARGETS[kind])).body)
    if kind == "slack":
        assert "<!channel>" not in content["text"]
        assert {block["text"]["type"] for block in content["blocks"] if "text" in block} == {"plain_text"}
    elif kind == "discord":
        assert content["allowed_mentions"] == {"parse": []}
        assert "[x](" not in content["embeds"][0]["description"]
        assert "*b*" not in content["embeds"][0]["description"]
    elif kind == "teams":
        card = content["attachments"][0]["content"]
        assert all("[x](" not in block["text"] for block in card["body"])
    elif kind == "telegram":
        assert "parse_mode" not in content


FLAMES = replace(DIGEST, parts=(replace(MESSAGE, title="🔥" * 150, sentences=("ü" * 100, "🔥" * 100)),) * 30)


def test_letters_of_several_bytes_fit_into_the_limits_of_services() -> None:
    """ntfy counts bytes, Telegram units of UTF-16; more is refused or becomes a file."""
    ntfy = json.loads(SENDERS["ntfy"].compose(FLAMES, SENDERS["ntfy"].check(TARGETS["ntfy"])).body)
    assert len(ntfy["message"].encode()) <= 4096
    telegram = json.loads(SENDERS["telegram"].compose(FLAMES, TARGETS["telegram"]).body)
    assert len(telegram["text"].encode("utf-16-le")) // 2 <= 4096
    assert telegram["text"].endswith(f"…\n\n{MESSAGE.link}")


def test_hostile_text_is_no_html() -> None:
    hostile = replace(MESSAGE, title="<script>alert(1)</script>", sentences=('<img src="x" onerror=y>',))
    mail = email.write(hostile, {"address": "a@example.org"})
    assert "<script>" not in mail.html
    assert "<img" not in mail.html
    assert mail.key == MESSAGE.delivery_id
    assert "https://tally.example.org/budgets\n" in mail.text


def test_email_says_how_it_ends() -> None:
    target = email.check({"address": "a@example.org"})
    stop = f"https://tally.example.org/stop-alerts?token={target['stop_token']}"
    mail = email.write(MESSAGE, target, "https://tally.example.org/")
    assert mail.headers["List-Unsubscribe"] == f"<{stop}>"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert stop in mail.text
    assert f'href="{stop}"' in mail.html
    assert "List-Unsubscribe" not in email.write(MESSAGE, target).headers


@every_case([(kind,) for kind in KINDS])
def test_target_is_taken_and_described_without_its_secret(kind: str) -> None:
    target = check_target(kind, TARGETS[kind], SETTINGS)
    hint = KINDS[kind].describe(target)

    assert hint
    assert len(hint) <= 200
    secrets = [target[field.name] for field in KINDS[kind].FIELDS if field.is_secret and target[field.name]]
    assert all(secret not in hint for secret in secrets)
    assert target.get("address", "nothing") not in hint
    assert check_target(kind, target, SETTINGS) == target


def refuse(kind: str, **changes: str) -> str:
    """The sentence that refuses a target with these changes."""
    with pytest.raises(TargetRefused) as refused:
        check_target(kind, TARGETS[kind] | changes, SETTINGS)
    return str(refused.value)


SLACK = TARGETS["slack"]["url"]


@every_case(
    [
        (url,)
        for url in [
            "",
            "hooks.slack.com/services/T0/B0/XX",
            SLACK.replace("https", "http"),
            SLACK.replace(".com/", ".com:444/"),
            SLACK.replace("hooks", "user:pw@hooks"),
            SLACK.replace("hooks.slack.com", "hooks.slack.com.evil.example"),
            SLACK.replace("hooks.slack.com", "evil.example"),
            SLACK.replace("/services/", "/services/../../"),
            SLACK + "#x",
            SLACK.replace("slack.com", "slack.com@evil.example"),
            "https://hooks.slack.com/services/",
            "https://hooks.slack.com\\@evil.example/services/T0/B0/XX",
            "javascript:alert(1)",
            "https://[::1/",
            SLACK + "\r\nHost: evil.example",
        ]
    ]
)
def test_address_of_another_host_is_no_slack_webhook(url: str) -> None:
    assert refuse("slack", url=url) == (
        "Give the webhook URL of Slack. It begins with https://hooks.slack.com/services/."
    )


@every_case(
    [
        (
            "discord",
            {"url": "https://discord.com/channels/1/2"},
            "It begins with https://discord.com/api/webhooks/.",
        ),
        ("teams", {"url": "https://acme.webhook.office.com/webhookb2/x"}, "has switched these addresses"),
        ("teams", {"url": "https://logic.azure.com.evil.example/workflows/x"}, "ends with .logic.azure.com"),
        ("pagerduty", {"routing_key": "short"}, "32 letters and digits"),
        ("telegram", {"token": "abc"}, "Give the bot's token as @BotFather shows it"),
        ("telegram", {"chat": "me"}, "Give the id of the chat"),
        ("ntfy", {"topic": "a b"}, "up to 64 letters, digits, - and _"),
        ("ntfy", {"topic": "tally"}, "Anybody can guess this topic"),
        ("ntfy", {"server": "https://ntfy.sh/topic"}, "without a topic"),
        ("ntfy", {"server": "ftp://ntfy.sh"}, "address of an ntfy server"),
        ("ntfy", {"server": "http://ntfy.example.org"}, "begins with https://"),
        ("ntfy", {"server": "https://192.168.1.5"}, "192.168.1.5 is not on the public internet"),
        ("webhook", {"url": "https://169.254.169.254/latest"}, "169.254.169.254 is where a cloud's machine"),
        ("webhook", {"url": "https://2130706433/"}, "is not on the public internet"),
        ("webhook", {"url": "https://0x7f.1/"}, "is not on the public internet"),
        ("webhook", {"url": "https://[::ffff:7f00:1]/"}, "is not on the public internet"),
        ("webhook", {"url": "https://localhost:8080/"}, "localhost is not on the public internet"),
        ("webhook", {"url": "https://metadata.google.internal/"}, "TALLY_ALLOW_PRIVATE_WEBHOOKS=1"),
        ("webhook", {"url": "http://example.org/in"}, "https://, since alerts tell what is spent"),
        ("webhook", {"url": "file:///etc/passwd"}, "Give the https:// address of your server"),
        ("webhook", {"url": "https://user:pw@example.org/"}, "Give the https:// address of your server"),
        ("webhook", {"old_secret": "secret"}, "which begins with whsec_"),
        ("email", {"address": "nobody"}, "Give one email address"),
        ("email", {"address": "a@example.org, b@example.org"}, "Give one email address"),
        ("email", {"address": "a@example.org\r\nBcc: b@example.org"}, "Give one email address"),
    ]
)
def test_bad_target_is_refused_in_a_sentence(kind: str, changes: dict[str, str], sentence: str) -> None:
    assert sentence in refuse(kind, **changes)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("webhook", {"url": "http://192.168.1.5:8080/hook"}),
        ("webhook", {"url": "http://nas/hook"}),
        ("ntfy", {"server": "http://ntfy.local"}),
    ],
)
def test_own_network_can_be_allowed(kind: str, changes: dict[str, str]) -> None:
    assert check_target(kind, TARGETS[kind] | changes, PRIVATE)


NAMES = [field.name for service in KINDS.values() for field in service.FIELDS]
STORED = {*NAMES, "secret", "stop_token"}
VALUES = st.dictionaries(
    st.sampled_from(sorted(STORED)),
    st.text(max_size=300)
    | st.sampled_from(["https://[", "https://a\u2028b", "https://\ud800.example", "//x"]),
)


@given(st.sampled_from(sorted(KINDS)), VALUES)
def test_any_input_is_taken_or_refused_in_a_sentence(kind: str, values: dict[str, Any]) -> None:
    target, sentence = {}, ""
    try:
        target = check_target(kind, values, SETTINGS)
    except TargetRefused as refusal:
        sentence = str(refusal)
    assert bool(target) != sentence.endswith(".")
    if target:
        assert set(target) <= STORED
