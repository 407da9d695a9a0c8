"""The fields that say which calls belong to a variant; those that the records know are offered."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.text import escape_markdown
from tally.catalog.models import canonical_model
from tally.core.records import NO_MODEL

MORE_KEYS = {"provider": "Provider", "tag": "Tag", "agent": "Agent"}


def ask_match(user: User, match: Mapping[str, str], key: str) -> dict[str, str]:
    """The texts that a call of the variant has, by what they are of."""
    models = _list_models(user)
    prompts = [prompt.name for prompt in data.load_prompts(user)]
    with st.container(horizontal=True, gap="small"):
        model = _choose("Model", models, match.get("model", ""), f"{key}-model")
        prompt = _choose("Prompt", prompts, match.get("prompt", ""), f"{key}-prompt")
        versions = _list_versions(user, prompt)
        kept = match.get("prompt_version", "")
        version = _choose("Prompt version", versions, kept, f"{key}-prompt_version")
    _say_unknown(f"No record names the model {model} yet.", model, models)
    _say_unknown(f"No record names the prompt {prompt} yet.", prompt, prompts)
    if prompt in prompts:
        known = [*versions, *(f"v{each}" for each in versions)]
        _say_unknown(f"The prompt {prompt} has no version {version} yet.", version, known)
    with st.expander("Match by provider, tag or agent", expanded=any(map(match.get, MORE_KEYS))):
        others = {
            column: st.text_input(label, match.get(column, ""), max_chars=200, key=f"{key}-{column}")
            for column, label in MORE_KEYS.items()
        }
    return {"model": model, "prompt": prompt, "prompt_version": version} | others


def _list_models(user: User) -> list[str]:
    """The models of the records as they are written, and by the one name of each."""
    written = [name for name in data.load_model_names(user) if name != NO_MODEL]
    return sorted({*written, *map(canonical_model, written)})


def _list_versions(user: User, name: str) -> list[str]:
    prompt = data.load_prompt(user, name) if name else None
    return [each.told or str(each.number) for each in prompt.versions] if prompt else []


def _choose(label: str, known: Sequence[str], kept: str, key: str) -> str:
    options = [*known] if not kept or kept in known else [kept, *known]
    chosen = st.selectbox(
        label, options, index=options.index(kept) if kept else None, placeholder="Any",
        accept_new_options=True, key=key,
    )  # fmt: skip
    return (chosen or "").strip()


def _say_unknown(sentence: str, value: str, known: Sequence[str]) -> None:
    """A slip would match nothing; what is to come may be right."""
    if value and value.lower() not in map(str.lower, known):
        st.caption(escape_markdown(sentence))
