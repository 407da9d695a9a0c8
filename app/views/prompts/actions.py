"""Dialogs that change prompts: a new version, what runs, rolling back, labels and tags, archiving."""

from decimal import Decimal

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.parts.permissions import explain_fixed, explain_fixed_splits
from app.ui.notices import announce, explain_refusal, render_refusal
from app.views.prompts.address import open_prompt
from tally.prompts.content import PromptError
from tally.prompts.stored import PRODUCTION, Live, Prompt, describe_shares

HUNDRED = Decimal(100)
MOST_CHOICES = 20


def render_new_button(user: User, name: str = "") -> None:
    """The button that opens the dialog of a new version."""
    label = "New version" if name else "Add prompt"
    reason = explain_fixed(user)
    if st.button(label, icon=":material/add:", key="new_version", disabled=reason is not None, help=reason):
        push_version(name)


@st.dialog("New version", width="large")
@explain_refusal
def push_version(name: str) -> None:
    """The form of a text; it is kept as the newest version."""
    user = identity.current_user()
    prompt = (
        name or st.text_input("Name", key="prompt_name", max_chars=100, placeholder="refund-policy").strip()
    )
    text = st.text_area(
        "Text",
        key="prompt_text",
        height=320,
        placeholder="Answer {{question}} in {{language}}.",
        help="Up to 1 MB. Variables are {{x}} or {x}.",
    )
    message = st.text_input("What changed", key="prompt_message", max_chars=500)
    if not st.button("Push", type="primary", key="push_prompt"):
        return
    try:
        pushed = data.push_prompt(user, prompt, text or "", message.strip())
    except PromptError as problem:
        render_refusal(problem)
        return
    is_new = "is kept" if pushed.is_new else "has this text already"
    announce(f"{prompt}: v{pushed.number} {is_new}.")
    open_prompt(prompt)
    st.rerun()


def render_actions(user: User, prompt: Prompt) -> None:
    """Buttons at the head of a prompt."""
    reason = explain_fixed_splits(user)
    live = prompt.runs()
    is_fixed = reason is not None
    if live is not None and live.before is not None:
        label = f"Roll back to {describe_shares(live.before)}"
        if st.button(label, icon=":material/undo:", key="roll_back", disabled=is_fixed, help=reason):
            roll_back(prompt.name, live)
    if prompt.versions and not prompt.is_archived:
        label = "Change split" if live else "Deploy"
        if st.button(label, icon=":material/edit:", key="change_split", disabled=is_fixed, help=reason):
            change_split(prompt)
    with st.popover("More", icon=":material/more_horiz:"):
        fixed = explain_fixed(user)
        if st.button("Labels and tags", key="edit_labels", disabled=fixed is not None, help=fixed):
            edit_labels(prompt)
        label = "Restore" if prompt.is_archived else "Archive"
        if st.button(label, key="archive_prompt", disabled=is_fixed, help=reason):
            _archive(user, prompt)


@explain_refusal
def _archive(user: User, prompt: Prompt) -> None:
    data.archive_prompt(user, prompt.name, not prompt.is_archived)
    effect = "is restored" if prompt.is_archived else "is archived: what runs keeps running"
    announce(f"{prompt.name} {effect}.")
    st.rerun()


@st.dialog("Roll back?", icon=":material/undo:")
@explain_refusal
def roll_back(name: str, live: Live) -> None:
    """Ask before what ran before is deployed again."""
    before = describe_shares(live.before or {})
    st.text(f"{live.environment} runs {describe_shares(live.shares)}, and would run {before} again.")
    st.caption("This is a new deployment: nothing is deleted, and programs that ask are given it at once.")
    if st.button(f"Deploy {before}", type="primary", key="confirm_roll_back"):
        shares = data.roll_back_prompt(identity.current_user(), name, live.environment)
        announce(f"{name}: {describe_shares(shares)} runs in {live.environment} again.")
        st.rerun()


@st.dialog("What runs", width="medium")
@explain_refusal
def change_split(prompt: Prompt) -> None:
    """The form of an environment's shares by version."""
    environments = list(dict.fromkeys([PRODUCTION, "staging", *(live.environment for live in prompt.live)]))
    environment = st.selectbox("Environment", environments, key="environment", accept_new_options=True)
    live = prompt.runs(environment or PRODUCTION)
    shares = {} if live is None else dict(live.shares)
    numbers = [version.number for version in prompt.versions]
    chosen = st.multiselect(
        "Versions",
        numbers,
        default=sorted(shares, reverse=True) or numbers[:1],
        format_func=lambda number: f"v{number}",
        max_selections=MOST_CHOICES,
        key=f"versions-{environment}",
    )
    given: dict[int, Decimal] = {}
    for number in sorted(chosen, reverse=True):
        percent = HUNDRED if len(chosen) == 1 else shares.get(number, Decimal(0))
        entered = st.number_input(
            f"Share of v{number}, %",
            0.0,
            100.0,
            float(percent),
            step=5.0,
            format="%.2f",
            key=f"share-{environment}-{number}-{len(chosen)}",
        )
        given[number] = Decimal(str(entered)).quantize(Decimal("0.01"))
    total = sum(given.values(), Decimal(0))
    if given and total != HUNDRED:
        st.caption(f"These shares add up to {total.normalize():f}%.")
    st.caption("Each key that a program sends keeps its version, unless its share moves to another one.")
    if st.button("Deploy", type="primary", key="deploy_prompt", disabled=not given):
        user = identity.current_user()
        is_new = data.deploy_prompt(user, prompt.name, environment or PRODUCTION, given)
        running = describe_shares({number: share for number, share in given.items() if share})
        announce(f"{prompt.name}: {running} {'runs' if is_new else 'runs already'} in {environment}.")
        st.rerun()


@st.dialog("Labels and tags")
@explain_refusal
def edit_labels(prompt: Prompt) -> None:
    """The form of a prompt's tags and project, and of the labels of one version."""
    user = identity.current_user()
    tags = st.multiselect(
        "Tags", prompt.tags, default=prompt.tags, accept_new_options=True, key="prompt_tags"
    )
    projects = {project.project_id: project.name for project in data.load_projects(user)}
    project = st.selectbox(
        "Project",
        list(projects),
        index=list(projects).index(prompt.project_id) if prompt.project_id in projects else None,
        format_func=lambda project_id: projects[project_id],
        placeholder="None",
        key="prompt_project",
    )
    numbers = [version.number for version in prompt.versions]
    version = None
    labels: list[str] = []
    if numbers:
        number = st.selectbox("Version", numbers, format_func=lambda each: f"v{each}", key="labelled")
        version = prompt.version(number)
        known = version.labels if version else ()
        labels = st.multiselect(
            "Labels of this version",
            known,
            default=known,
            accept_new_options=True,
            key=f"labels-{number}",
            help="A label is on one version: programs can ask for it.",
        )
    if not st.button("Save", type="primary", key="save_labels"):
        return
    data.change_prompt(user, prompt.name, tags, project)
    if version is not None and set(labels) != set(version.labels):
        data.label_prompt_version(user, prompt.name, version.number, labels)
    announce("Saved.")
    st.rerun()
