"""What the shop answered, and whether that is what was due."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pacing import retry_after

Check = Callable[[Any], str | None]
"""Looks at a body and says what is wrong with it, in words that are always the same for the same wrong."""


@dataclass(frozen=True)
class Answer:
    """An answer, or that there was none (status 0)."""

    status: int
    body: Any = None
    """The JSON, if it is any."""
    retry_after: float = 0.0
    error: str = ""
    """What was in the way of an answer: the kind of error, without addresses."""
    complaint: str | None = None
    """What is wrong with it."""

    @property
    def problem(self) -> str:
        """The name of the problem of a refusal: `out-of-stock`."""
        kind = self.body.get("type") if isinstance(self.body, dict) else None
        slug = kind.rsplit("/", 1)[-1] if isinstance(kind, str) else ""
        return slug if re.fullmatch(r"[a-z-]{1,40}", slug) else ""

    def is_problem(self, *names: str) -> bool:
        """Whether it refuses for one of these reasons."""
        return self.status >= 400 and self.problem in names


def read(response: Any) -> Answer:
    """Takes from a response of Locust's what is of use."""
    if not response.status_code:
        return Answer(0, error=type(response.error).__name__)
    wait = retry_after(response.headers.get("retry-after"))
    return Answer(response.status_code, _parsed(response.content), wait)


def complaint(answer: Answer, expected: int, refusals: tuple[str, ...], check: Check | None) -> str | None:
    """What is wrong with an answer that should have this status, or refuse for one of these reasons.

    It becomes the name of a failure, of which there must be few: nothing of a body is in it but the name of a problem.
    """
    if not answer.status:
        return f"no answer: {answer.error}"
    if answer.is_problem(*refusals):
        return None
    if answer.status != expected:
        return f"{answer.status} {answer.problem}".rstrip()
    if check is None:
        return None
    try:
        return check(answer.body)
    except (KeyError, IndexError, TypeError, AttributeError):
        return "something is missing in the body"


def _parsed(content: bytes | None) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
