"""An answer as OpenAI's own client reads it."""

import json
from dataclasses import replace
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from server.chat import Ending, Said
from server.chat_reply import Heading

HEADING = Heading("chatcmpl-1", 1_700_000_000, "m", "revision", with_logprobs=False, with_usage=False)
TOKEN = {"token": "Ё", "logprob": -0.5, "bytes": [208, 129], "top_logprobs": []}
SAID = [Said("Ё", (TOKEN,)), Said("ж", (TOKEN | {"token": "ж"},))]
ENDING = Ending("length", 300, 2, 1.0)


def events(text: str) -> list[Any]:
    assert text.endswith("\n\n")
    pieces = text.removesuffix("\n\n").split("\n\n")
    assert all(piece.startswith("data: ") for piece in pieces)
    return [piece.removeprefix("data: ") for piece in pieces]


def stream(heading: Heading) -> list[dict[str, Any]]:
    text = heading.first() + "".join(map(heading.more, SAID)) + heading.last(ENDING)
    *found, done = events(text)
    assert done == "[DONE]"
    for event in found:
        ChatCompletionChunk.model_validate_json(event, strict=True)
    return [json.loads(event) for event in found]


def test_a_whole_answer() -> None:
    reply = ChatCompletion.model_validate_json(HEADING.whole(SAID, ENDING).model_dump_json())
    [choice] = reply.choices
    assert reply.usage
    assert (reply.id, reply.model, reply.created) == ("chatcmpl-1", "m", 1_700_000_000)
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Ёж", "length")
    assert choice.logprobs is None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (300, 2, 302)


def test_a_whole_answer_with_log_probabilities() -> None:
    reply = ChatCompletion.model_validate_json(
        replace(HEADING, with_logprobs=True).whole(SAID, ENDING).model_dump_json()
    )
    logprobs = reply.choices[0].logprobs
    assert logprobs
    assert logprobs.content
    assert [(token.token, token.logprob) for token in logprobs.content] == [("Ё", -0.5), ("ж", -0.5)]


def test_a_stream_says_the_role_then_the_text_then_why_it_ends() -> None:
    found = stream(HEADING)
    assert [event["choices"][0]["delta"] for event in found] == [
        {"role": "assistant", "content": ""},
        {"content": "Ё"},
        {"content": "ж"},
        {},
    ]
    assert [event["choices"][0]["finish_reason"] for event in found] == [None, None, None, "length"]
    assert not any("usage" in event for event in found)
    assert all(event["choices"][0]["logprobs"] is None for event in found)


def test_usage_comes_last_and_is_null_before() -> None:
    *before, last = stream(replace(HEADING, with_usage=True))
    assert all(event["usage"] is None for event in before)
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 300, "completion_tokens": 2, "total_tokens": 302}


def test_log_probabilities_come_with_their_text() -> None:
    found = stream(replace(HEADING, with_logprobs=True))
    tokens = [(event["choices"][0]["logprobs"] or {}).get("content") for event in found]
    assert tokens == [None, [TOKEN], [TOKEN | {"token": "ж"}], None]
