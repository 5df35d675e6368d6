"""Chat models behind an OpenAI-compatible server: Ollama, vLLM, llama-server, the cloud."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, cast

from lecta.answer.thinking import reasons_by_name, settled
from lecta.errors import ChatError, first_line
from lecta.types import Message, Thought

OLLAMA = "http://127.0.0.1:11434/v1"


class ServerChat:
    """A model by name on a server that speaks the OpenAI chat protocol."""

    def __init__(self, model: str, *, base_url: str, api_key: str = "") -> None:
        """Remember where to ask; nothing is sent before the first question."""
        self.name = model
        self._base_url = base_url
        self._api_key = api_key

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        """Yield the reply piece by piece, thoughts as `Thought` where the server sends them apart.

        Raises `ChatError` when the server cannot be reached or refuses.
        """
        reasons: list[str] = []
        pieces = self._pieces(messages, max_tokens, reasons)
        yield from settled(pieces, lambda: "length" in reasons) if reasons_by_name(self.name) else pieces

    def _pieces(self, messages: Sequence[Message], max_tokens: int, reasons: list[str]) -> Iterator[str]:
        """Yield what comes; why the reply ended is put into `reasons`."""
        import openai  # 0.75 s

        # A server of one's own wants no key, but the client wants some text.
        key = self._api_key or os.environ.get("OPENAI_API_KEY") or "none"
        client = openai.OpenAI(base_url=self._base_url or None, api_key=key, max_retries=1)
        try:
            turns = [{"role": message.role, "content": message.content} for message in messages]
            reply: Any = client.chat.completions.create(
                model=self.name,
                messages=cast(Any, turns),
                max_tokens=max_tokens,
                temperature=0,
                stream=True,
            )
            with reply:
                for chunk in reply:
                    if chunk.choices:
                        yield from _told_apart(chunk.choices[0].delta)
                        reasons.append(chunk.choices[0].finish_reason or "")
        except openai.APIConnectionError as error:
            raise ChatError(
                f"no server answers at {client.base_url} for model {self.name}: start it or set LECTA_BASE_URL"
            ) from error
        except (openai.OpenAIError, ValueError) as error:  # ValueError: what came back is no JSON
            raise ChatError(
                f"the server at {client.base_url} refused model {self.name}: {first_line(error)}"
            ) from error
        finally:
            client.close()


def _told_apart(delta: Any) -> Iterator[str]:
    """Yield a chunk's thought and its text.

    `reasoning_content` is the field of DeepSeek, vLLM and llama-server, `reasoning` that of Ollama and OpenRouter.
    """
    thought = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
    if isinstance(thought, str) and thought:
        yield Thought(thought)
    if isinstance(delta.content, str) and delta.content:
        yield delta.content
