"""Every error lecta raises on purpose.

LectaError
 ├── UsageError      the call itself is wrong: unknown option value, empty question        exit status 2
 │    └── ExpressionError     an expression cannot be read or derived; `position` says where
 ├── ReadError       one file could not be read; the others go on
 ├── ModelError      a model is missing, damaged or cannot be fetched
 ├── LibraryError    the library cannot be opened or written
 ├── DerivationError a derivation failed one of its own checks, and is not shown
 └── ChatError       the language model or its server failed
      └── PromptTooLongError

The text of each is one line that says what failed, with what value, and what to do.
"""

from __future__ import annotations


class LectaError(Exception):
    """The root of lecta's errors; its text is one line for the user."""

    exit_status = 1


class UsageError(LectaError):
    """The call itself is wrong."""

    exit_status = 2


class ExpressionError(UsageError):
    """An expression cannot be read or derived; `position` counts characters of the text from 0, where it is known."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.position = position


class DerivationError(LectaError):
    """A derivation disagrees with one of its own checks."""


class ReadError(LectaError):
    """One file could not be read; `reason` says why and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ModelError(LectaError):
    """A model is missing, damaged or cannot be fetched."""


class LibraryError(LectaError):
    """The library cannot be opened or written."""


class ChatError(LectaError):
    """The language model or its server failed."""


class PromptTooLongError(ChatError):
    """The prompt leaves the model no room for an answer; `tokens` of at most `limit`."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"the question and its passages have {tokens} tokens and context_tokens is {limit}: "
            "ask for fewer passages (-k) or raise LECTA_CONTEXT_TOKENS"
        )
        self.tokens, self.limit = tokens, limit


def first_line(error: BaseException, limit: int = 200) -> str:
    """Return the first line of an error's text, cut to `limit` characters, for use inside a clearer message."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:limit]
