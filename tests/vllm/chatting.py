"""Chats as OpenAI's own client has them."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.contract.running import TOKEN, Server
from tests.paddle.documents import encoded, page
from tests.paddle.patience import LOAD_S

SIZE = (500, 700)
IMAGES = [encoded(page(text, size=SIZE)) for text in ("first words", "second")]
ENDLESS: Any = {"max_tokens": 1500, "frequency_penalty": -2, "presence_penalty": -2}
"""A reward for what was said before: it never ends."""


def client(server: Server, token: str = TOKEN, timeout_s: float = LOAD_S) -> OpenAI:
    """OpenAI's client, which does not try again; used as a context manager."""
    return OpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0, timeout=timeout_s)


def user(*parts: str | bytes) -> Any:
    """A user's turn of texts and images."""
    return {"role": "user", "content": [text(part) if isinstance(part, str) else image(part) for part in parts]}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def image(data: bytes, media_type: str = "image/png") -> dict[str, Any]:
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def ask(server: Server, model: str, *messages: Any, **options: Any) -> ChatCompletion:
    """A whole answer, of 24 tokens at the most unless more are asked for."""
    with client(server) as openai:
        reply: ChatCompletion = openai.chat.completions.create(
            model=model, messages=list(messages), **{"max_tokens": 24, **options}
        )
    return reply


def said(reply: ChatCompletion) -> str:
    """The text of an answer."""
    [choice] = reply.choices
    assert choice.message.content is not None
    return choice.message.content


@contextmanager
def streamed(server: Server, model: str, *messages: Any, **options: Any) -> Iterator[Iterator[ChatCompletionChunk]]:
    """The events of an answer; whoever leaves hangs up."""
    with client(server) as openai:
        options = {"max_tokens": 24, **options}
        with openai.chat.completions.create(model=model, messages=list(messages), stream=True, **options) as events:
            yield iter(events)
