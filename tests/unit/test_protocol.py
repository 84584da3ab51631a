"""What the server and a worker say to each other: every message's line as it is, and nothing else is a message."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import protocol
from server.chat import Chat, ChatSampling, Ending, Part, Said, Turn
from server.documents import Block, BlockFormat, Page, Verdict
from server.engines.base import PageInput
from server.protocol import Message, ProtocolError, decode, encode

PAGE = Page(
    number=2,
    width=100,
    height=50,
    text="Ёж",
    markdown="# Ёж",
    blocks=(Block("doc_title", (1, 2, 30, 40), "Ёж", BlockFormat.TEXT, 0, 0.5, Verdict.TRUNCATED),),
    images={"figure_1.png": Path("/spool/page-00002_figure_1.png")},
    token_confidence=0.25,
    verdict=Verdict.OK,
    seconds=1.5,
    warnings=("no effect",),
    engine_result={"width": 100},
    tokens=12,
)
CHAT = Chat(
    turns=(
        Turn("system", (Part("Be brief."),)),
        Turn("user", (Part(image=Path("/spool/image-0-00001.ppm")), Part("Ёж?"))),
    ),
    sampling=ChatSampling(100, 0.5, 0.9, 7, ("END",), 2, 0.1, 0.2, 1.1),
    ticket=Path("/spool/ticket"),
)
LIKELY = {"token": "Ё", "logprob": -0.5, "bytes": [208, 129], "top_logprobs": []}
LINES = [
    (
        protocol.Recognise(7, (PageInput(2, Path("/spool/p.ppm"), 100, 50, 3),), {"lang": "rus+eng"}, "req_1"),
        '{"kind":"recognise","id":7,"pages":[{"number":2,"path":"/spool/p.ppm","width":100,"height":50,"of":3}],'
        '"options":{"lang":"rus+eng"},"request_id":"req_1"}\n',
    ),
    (
        protocol.Answer(7, CHAT, "req_1"),
        '{"kind":"answer","id":7,"chat":{"turns":[{"role":"system","parts":[{"text":"Be brief."}]},'
        '{"role":"user","parts":[{"image":"/spool/image-0-00001.ppm"},{"text":"Ёж?"}]}],'
        '"sampling":{"max_tokens":100,"temperature":0.5,"top_p":0.9,"seed":7,"stop":["END"],"top_logprobs":2,'
        '"frequency_penalty":0.1,"presence_penalty":0.2,"repetition_penalty":1.1},"ticket":"/spool/ticket"},'
        '"request_id":"req_1"}\n',
    ),
    (protocol.Close(), '{"kind":"close"}\n'),
    (
        protocol.Loaded(4, True, False, 1.25),
        '{"kind":"loaded","concurrency":4,"batches":true,"withdraws":false,"seconds":1.25}\n',
    ),
    (protocol.LoadFailed("no weights"), '{"kind":"load_failed","detail":"no weights"}\n'),
    (protocol.Begun((7, 8)), '{"kind":"begun","ids":[7,8]}\n'),
    (
        protocol.Recognised(7, (PAGE,)),
        '{"kind":"recognised","id":7,"pages":[{"number":2,"width":100,"height":50,"text":"Ёж","markdown":"# Ёж",'
        '"blocks":[{"type":"doc_title","bbox":[1,2,30,40],"content":"Ёж","format":"text","order":0,"confidence":0.5,"verdict":"truncated"}],'
        '"images":{"figure_1.png":"/spool/page-00002_figure_1.png"},"token_confidence":0.25,"verdict":"ok",'
        '"error":null,"seconds":1.5,"warnings":["no effect"],"engine_result":{"width":100},"tokens":12}]}\n',
    ),
    (
        protocol.More(7, Said("Ёж", (LIKELY,))),
        '{"kind":"more","id":7,"said":{"text":"Ёж","logprobs":[{"token":"Ё","logprob":-0.5,"bytes":[208,129],'
        '"top_logprobs":[]}]}}\n',
    ),
    (
        protocol.Answered(7, Ending("length", 300, 100, 1.5)),
        '{"kind":"answered","id":7,"ending":{"reason":"length","prompt_tokens":300,"completion_tokens":100,'
        '"seconds":1.5}}\n',
    ),
    (
        protocol.NotRecognised(7, "ValueError: no", None),
        '{"kind":"not_recognised","id":7,"detail":"ValueError: no","code":null}\n',
    ),
]
KINDS = [message.kind for message, _ in LINES]


@pytest.mark.parametrize(("message", "line"), LINES, ids=KINDS)
def test_a_message_is_this_line(message: Message, line: str) -> None:
    assert encode(message) == line.encode()


@pytest.mark.parametrize(("message", "line"), LINES, ids=KINDS)
def test_a_line_is_this_message(message: Message, line: str) -> None:
    assert decode(line.encode()) == message


def test_every_message_has_its_line_here() -> None:
    assert sorted(KINDS) == sorted(cls.kind for cls in Message.__args__)


@given(st.integers(), st.text(), st.text())
def test_a_message_is_one_line_whatever_its_text(key: int, detail: str, request_id: str) -> None:
    for message in (
        protocol.NotRecognised(key, detail, None),
        protocol.Recognise(key, (), {"prompt": detail}, request_id),
        protocol.Recognised(key, (Page(1, 1, 1, text=detail),)),
    ):
        line = encode(message)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1


@given(st.integers(), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_message_comes_back_as_it_was(key: int, text: str) -> None:
    for message in (protocol.NotRecognised(key, text, None), protocol.Recognise(key, (), {"prompt": text}, text)):
        assert decode(encode(message)) == message


def test_half_a_surrogate_pair_from_an_engine_does_not_stop_the_worker() -> None:
    assert decode(encode(protocol.LoadFailed("a\ud800b"))) == protocol.LoadFailed("a?b")


@given(st.binary())
def test_bytes_are_no_message(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(values)
def test_json_without_a_known_kind_is_no_message(value: object) -> None:
    with pytest.raises(ProtocolError):
        decode(json.dumps(value).encode())


@pytest.mark.parametrize("kind", KINDS)
@given(extra=st.dictionaries(st.text(min_size=1, max_size=5), values, min_size=1, max_size=3))
def test_a_message_with_fields_of_no_message_is_none(kind: str, extra: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        decode(json.dumps({"id": 1, **extra, "kind": kind}).encode())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}",
        b"[]",
        b"null",
        b'{"kind":["close"]}',
        b'{"kind":"close","id":1}',
        b'{"kind":"loaded"}',
        b'{"kind":"recognise","id":1,"pages":[{"number":1}],"options":{},"request_id":"r"}',
        b'{"kind":"recognised","id":1,"pages":["page"]}',
        b'{"kind":"answer","id":1,"chat":{"turns":[{}],"sampling":{"stop":[]},"ticket":"t"},"request_id":"r"}',
        b'{"kind":"more","id":1,"said":{"logprobs":null}}',
        b'{"kind":"recognised","id":1,"pages":null}',
        b"[" * 100_000,
    ],
)
def test_garbage_is_a_protocol_error_and_nothing_else(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line)
