"""Models in the lines of Amazon's bills for Bedrock.

A line has the model in its product (`Claude Sonnet 4.5 (Amazon Bedrock Edition)`), in its usage type
(`USE1-Claude4.6Sonnet-input-tokens-cross-region-global`) or in the ARN of a model or an inference profile.
"""

import re
from functools import lru_cache

from tally.core.records import NO_MODEL
from tally.importers.metered_models import name_metered

_EDITION = re.compile(r"\s*\((?:amazon )?bedrock edition\)", re.IGNORECASE)
_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:.*(?:foundation-model|/?inference-profile)/(?P<model>.+)")
_REGION = re.compile(r"[A-Z]{2,4}[0-9]?-")
# The part of a usage type that follows the model.
_COUNTED = re.compile(
    r"[-_\s]+(?:mantle[-_])?(?:text-|image-|audio-|video-|speech-|cache[-\s](?:read|write)[-\s](?:1h-)?)?"
    r"(?:cached|input|output|tokens?\b|invocation|inference|provisioned|created|custom|t2i|i2i|search).*",
    re.IGNORECASE,
)
_CLAUDE = re.compile(r"claude-?(?P<version>[0-9](?:\.[0-9])?)-?(?P<family>opus|sonnet|haiku)", re.IGNORECASE)
_JOINT = re.compile(
    r"(?<=nova)-?([0-9]?)(?:\.0)?-?(?=[a-z])|(?<=mistral)(?=[a-z])|(?<=titan)(?=[a-z])", re.IGNORECASE
)


@lru_cache(10_000)
def model_of(product: str, usage_type: str = "", resource: str = "") -> str:
    """The model's name in other sources, or NO_MODEL; the bill then covers all other usage of its day."""
    found = _ARN.fullmatch(resource)
    sold = _EDITION.sub("", product)
    names = (
        found["model"] if found else "",
        _read_usage_type(sold) or sold,
        _read_usage_type(usage_type),
    )
    return next(filter(None, map(name_metered, names)), NO_MODEL)


def _read_usage_type(usage_type: str) -> str:
    """`claude 4.6 sonnet` for `USE1-Claude4.6Sonnet-input-tokens`; empty for a type that counts no tokens."""
    named = _COUNTED.sub("", _REGION.sub("", usage_type, count=1))
    if named == usage_type or ":" in named:
        return ""
    claude = _CLAUDE.match(named)
    if claude:
        return f"claude {claude['version']} {claude['family']}"
    return _JOINT.sub(lambda found: f"-{found[1]}-" if found[1] else "-", re.sub(r"\s+", "-", named))
