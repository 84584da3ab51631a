"""`/v1/chat/completions` as OpenAI's own client finds it: models read by vLLM, and by transformers."""

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
from PIL import Image

from tests.contract.examples import blocks
from tests.contract.running import TOKEN, Server, wait_for
from tests.paddle.documents import encoded, page, pdf
from tests.paddle.patience import ocr
from tests.vllm.chatting import ENDLESS, IMAGES, SIZE, ask, client, image, said, streamed, text, user
from tests.vllm.groups import vllm_metric


class Chatty(NamedTuple):
    """A model, on the server that has it loaded."""

    server: Server
    model: str


WAYS = [("everything", "glm-ocr"), ("in_process", "glm-ocr")]
OTHERS = [("everything", "deepseek-ocr"), ("in_process", "deepseek-ocr2")]


@pytest.fixture(params=WAYS, ids=["-".join(way) for way in WAYS])
def chatty(request: pytest.FixtureRequest) -> Chatty:
    """A model by each way of reading it."""
    server, model = request.param
    return Chatty(request.getfixturevalue(server), model)


@pytest.fixture(params=OTHERS, ids=["-".join(way) for way in OTHERS])
def other(request: pytest.FixtureRequest) -> Chatty:
    """Models with a guard against repetitions, and templates of their own."""
    server, model = request.param
    return Chatty(request.getfixturevalue(server), model)


def test_the_models_that_answer_chats_are_listed(everything: Server, in_process: Server) -> None:
    with client(everything) as served, client(in_process) as here:
        models = list(served.models.list())
        assert {each.id for each in models} == {"glm-ocr", "deepseek-ocr", "deepseek-ocr2"}
        assert {each.id for each in here.models.list()} == {"glm-ocr", "deepseek-ocr2"}
        assert served.models.retrieve("glm-ocr") in models
        assert all((each.object, each.owned_by) == ("model", "offline-ocr") for each in models)


def test_an_answer_whole_and_in_pieces(chatty: Chatty) -> None:
    asked = user(IMAGES[0], "What is this?")
    whole = ask(*chatty, asked)
    with streamed(*chatty, asked, stream_options={"include_usage": True}) as events:
        *events_before, end, last = events
    assert said(whole).strip()
    assert "".join(event.choices[0].delta.content or "" for event in events_before) == said(whole)
    assert events_before[0].choices[0].delta.role == "assistant"
    assert end.choices[0].finish_reason == whole.choices[0].finish_reason == "length"
    assert whole.usage
    assert last.usage
    assert (last.choices, last.usage) == ([], whole.usage)
    assert whole.usage.completion_tokens == 24
    assert whole.usage.prompt_tokens > 24
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + 24
    assert {event.id for event in events_before} == {last.id} != {whole.id}
    assert {whole.model, last.model} == {chatty.model}


def test_the_example_of_the_documentation(chatty: Chatty, tmp_path: Path) -> None:
    (block,) = (each for each in blocks("docs/api.md") if each.mark == "not run: chat")
    (tmp_path / "invoice.png").write_bytes(IMAGES[0])
    example = block.text.replace("http://localhost:8081", chatty.server.url).replace("my-token", TOKEN)
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_the_answer_depends_on_image_order_turns_and_words(chatty: Chatty) -> None:
    one, other = IMAGES
    turns = [user(one, "a"), {"role": "assistant", "content": "b"}, user("c")]
    chats = [
        [user(one, "a")],
        [user(other, "a")],
        [user(one, "b")],
        [user(one, other, "a")],
        [user(other, one, "a")],
        turns,
        [{"role": "system", "content": "Be brief."}, *turns],
    ]
    answers = [said(ask(*chatty, *chat)) for chat in chats]
    assert len(set(answers)) == len(chats), answers


def test_vllm_and_transformers_agree(everything: Server, in_process: Server) -> None:
    """On penalties, too, which have their effect."""
    chats: list[list[Any]] = [[user(*IMAGES, "a")], [{"role": "system", "content": "x"}, user("b")]]
    options = {"logprobs": True, "top_logprobs": 3, "max_tokens": 60}
    penalties = {"frequency_penalty": 1.5, "presence_penalty": 1.0}
    for chat, priced in product(chats, (False, True)):
        asked = {**options, **(penalties if priced else {})}
        served, here = (ask(each, "glm-ocr", *chat, **asked) for each in (everything, in_process))
        assert said(here) == said(served)
        assert here.usage == served.usage
        ours, theirs = here.choices[0].logprobs, served.choices[0].logprobs
        assert ours
        assert theirs
        for one, other in zip(ours.content or (), theirs.content or (), strict=True):
            assert (one.token, one.bytes) == (other.token, other.bytes)
            assert one.logprob == pytest.approx(other.logprob, abs=1e-2)
            assert [each.token for each in one.top_logprobs] == [each.token for each in other.top_logprobs]
        if priced:
            assert said(served) != said(ask(everything, "glm-ocr", *chat, **options))


def test_who_shows_an_image_and_says_nothing_gets_the_cards_prompt(chatty: Chatty) -> None:
    assert said(ask(*chatty, user(IMAGES[0]))) == said(ask(*chatty, user(IMAGES[0], "Text Recognition:")))


def test_other_models_answer_as_well(other: Chatty) -> None:
    asked = user(IMAGES[0], "<|grounding|>Convert the document to markdown.")
    whole = said(ask(*other, asked))
    assert said(ask(*other, user(IMAGES[0]))) == whole
    with streamed(*other, asked, stop=whole[7:10]) as events:
        pieces = [event.choices[0].delta.content or "" for event in events]
    assert "".join(pieces) == whole[: whole.index(whole[7:10])]
    assert len({whole, *(said(ask(*other, user(*images, "a"))) for images in (IMAGES, IMAGES[::-1], IMAGES[:1]))}) == 4


def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(chatty: Chatty) -> None:
    asked = user(IMAGES[0], "a")
    full = said(ask(*chatty, asked))
    stop = full[7:11]
    before = full[: full.index(stop)]
    for option in (stop, ["never said", stop]):
        reply = ask(*chatty, asked, stop=option)
        assert (said(reply), reply.choices[0].finish_reason) == (before, "stop")
    with streamed(*chatty, asked, stop=stop) as events:
        assert "".join(event.choices[0].delta.content or "" for event in events) == before


def test_the_same_seed_gives_the_same_and_another_does_not(chatty: Chatty) -> None:
    def drawn(seed: int | None) -> str:
        return said(ask(*chatty, user(IMAGES[0], "a"), temperature=1.5, seed=seed))

    assert drawn(7) == drawn(7) != drawn(8)
    assert len({drawn(None) for _ in range(3)}) > 1


def test_log_probabilities_are_those_of_the_tokens_said(chatty: Chatty) -> None:
    asked = user(IMAGES[0], "a")
    reply = ask(*chatty, asked, logprobs=True, top_logprobs=2)
    logprobs = reply.choices[0].logprobs
    assert logprobs
    assert logprobs.content
    assert "".join(token.token for token in logprobs.content) == said(reply)
    for token in logprobs.content:
        best, second = token.top_logprobs
        assert 0 >= best.logprob >= second.logprob
        assert token.bytes == list(token.token.encode())
    sure = math.exp(sum(token.logprob for token in logprobs.content) / len(logprobs.content))
    assert 0.1 < sure <= 1
    with streamed(*chatty, asked, logprobs=True, top_logprobs=2) as events:
        pieces = [event.choices[0].logprobs for event in events]
    assert [token.token for piece in pieces if piece for token in piece.content or ()] == [
        token.token for token in logprobs.content
    ]
    plain = ask(*chatty, asked, logprobs=True).choices[0].logprobs
    assert plain
    assert plain.content
    assert not any(token.top_logprobs for token in plain.content)
    assert ask(*chatty, asked).choices[0].logprobs is None


def test_an_answer_that_the_model_ends_has_no_end_token_in_it(chatty: Chatty) -> None:
    """Whoever draws at random comes upon the end sooner or later."""
    for seed in range(30):
        options = {"max_tokens": 64, "temperature": 2, "seed": seed, "logprobs": True}
        reply = ask(*chatty, user(IMAGES[0], "a"), **options)
        if reply.choices[0].finish_reason == "stop":
            break
    assert reply.choices[0].finish_reason == "stop"
    logprobs = reply.choices[0].logprobs
    assert logprobs
    assert "".join(token.token for token in logprobs.content or ()) == said(reply)
    assert reply.usage
    assert reply.usage.completion_tokens == len(logprobs.content or ()) + 1
    assert "endoftext" not in said(reply)


def test_a_pdf_is_an_image_for_each_page(chatty: Chatty) -> None:
    pages = [page(text, size=SIZE) for text in ("one", "two")]
    both = image(pdf(*pages), "application/pdf")
    file = {"type": "file", "file": {"filename": "x.pdf", "file_data": both["image_url"]["url"]}}
    asked = [{"role": "user", "content": [part, text("a")]} for part in (both, file)]
    answers = [ask(*chatty, each) for each in asked]
    assert said(answers[0]) == said(answers[1])
    alone = ask(*chatty, user(encoded(pages[0]), "a"))
    assert alone.usage
    assert answers[0].usage
    assert answers[0].usage.prompt_tokens > alone.usage.prompt_tokens
    many = {"role": "user", "content": [image(pdf(*pages * 5), "application/pdf")]}
    with pytest.raises(openai.APIStatusError, match="A chat takes 8 images") as raised:
        ask(*chatty, many)
    assert raised.value.status_code == 413


def test_tiny_and_slender_images_are_seen_like_others(chatty: Chatty) -> None:
    images = [encoded(Image.effect_noise(size, 200).convert("RGB")) for size in ((3, 3), (5, 900), (900, 5))]
    assert said(ask(*chatty, user(*images, "a"), max_tokens=2))


def test_what_the_model_does_not_take_is_refused(chatty: Chatty) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        ask(*chatty, user(IMAGES[0], "鬱" * 200_000))
    assert raised.value.code == "bad_request"
    assert raised.value.type == "invalid_request_error"
    assert said(ask(*chatty, user(IMAGES[0], "a")))


def test_the_image_token_in_a_text_is_refused_or_harmless(chatty: Chatty) -> None:
    for asked in (user("<|image|> <|image|>", IMAGES[0]), user(IMAGES[0], "<|image|>"), user("<|image|>")):
        try:
            ask(*chatty, asked, max_tokens=1)
        except openai.BadRequestError as error:
            assert error.code == "bad_request"


def withdrawn(server: Server) -> int:
    """How many chats a worker has let go of."""
    return sum(line["event"] == "chat withdrawn" for line in server.log())


def test_who_hangs_up_frees_the_engine(chatty: Chatty) -> None:
    """Whoever hangs up early has a chat that is still being prepared: the model is ready, the request has its place."""
    server, model = chatty
    before = withdrawn(server)

    def is_free() -> bool:
        health = server.health()
        return (health["models"][model], health["queue_pages"], server.spooled()) == ("ready", 0, [])

    # to meet the engine in the middle of an answer, however fast the machine, or however slow
    for patience_s in (0.3, 0.6, 1.2, 2.4, 10, 60):
        with client(server, timeout_s=patience_s) as asking, suppress(openai.APITimeoutError):
            asked: Any = [user(IMAGES[0], "a")]
            asking.chat.completions.create(model=model, messages=asked, stream=True, **ENDLESS).close()
        wait_for(is_free, "the chat is in work no more, and has no place and no files")
        if chatty.server.environment.get("RECOGNISER") != "transformers":
            wait_for(lambda: vllm_metric(server, "vllm:num_requests_running") == 0, "vLLM has left it")
        if withdrawn(server) > before:
            break
    wait_for(lambda: withdrawn(server) > before, "the worker says that it has let go")


def test_several_at_once_are_answered_as_one_by_one(chatty: Chatty) -> None:
    asked = [user(IMAGES[0], "a"), user(IMAGES[1], "b"), user(*IMAGES, "c")]
    alone = [said(ask(*chatty, each)) for each in asked]
    with ThreadPoolExecutor(6) as callers:
        together = list(callers.map(lambda each: said(ask(*chatty, each)), asked * 2))
    assert together == alone * 2


def test_chats_and_pages_go_together(chatty: Chatty) -> None:
    server, model = chatty
    fields = {"model_name": model, "max_new_tokens": "24"}
    read, answered = ocr(server, IMAGES[0], **fields).json()["text"], said(ask(*chatty, user(IMAGES[0], "a")))
    with ThreadPoolExecutor(4) as callers:
        pages = [callers.submit(ocr, server, IMAGES[0], **fields) for _ in range(2)]
        chats = [callers.submit(ask, *chatty, user(IMAGES[0], "a")) for _ in range(2)]
        assert [each.result().json()["text"] for each in pages] == [read] * 2
        assert [said(each.result()) for each in chats] == [answered] * 2
