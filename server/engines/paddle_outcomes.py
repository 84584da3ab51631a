"""What PaddleX does not pass on: how each reading ended. And pages kept apart from their neighbours in a batch.

PaddleX cuts a looping text and says nothing, does not tell whether a text stopped at the token limit, and lets pages of
one batch share their figures: a figure inside a table hides one at the same place on another page. The methods watched
here are those of PaddleX 3.7 (inference/pipelines/paddleocr_vl/pipeline.py and inference/models/doc_vlm/predictor.py);
the tests that compare with PaddleX itself fail when they change.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from paddlex.inference.pipelines.paddleocr_vl.uilts import truncate_repetitive_content

from server.documents import Verdict
from server.engines.repetition import ends_in_a_loop


class Outcomes:
    """How the readings of each page ended, in the order in which the pipeline gives its results."""

    def __init__(self, pipeline: Any) -> None:
        """Watch the pipeline inside `paddleocr.PaddleOCRVL`."""
        self._verdicts: deque[Verdict] = deque()
        self._cut: list[bool] = []  # for each region read, in their order: whether the token limit ended it
        self._dropped: list[set[str]] = []  # for each page: the figures that lie inside its tables
        self._aggregate = pipeline._paddleocr_vl_aggregate_vlm_batches
        self._assemble = pipeline._paddleocr_vl_assemble_parsing_results
        pipeline._paddleocr_vl_aggregate_vlm_batches = self._aggregated
        pipeline._paddleocr_vl_assemble_parsing_results = self._assembled
        recogniser = pipeline.vl_rec_model
        if hasattr(recogniser, "infer"):
            self._generate = recogniser.infer.generate
            recogniser.infer.generate = self._generated
        else:
            self._collect = recogniser._doc_vlm_genai_collect_responses
            recogniser._doc_vlm_genai_collect_responses = self._collected

    def forget(self) -> None:
        """Begin anew: what is left belongs to pages whose batch failed."""
        self._verdicts.clear()

    def next(self) -> Verdict:
        """How the next page came out: OK, TRUNCATED or REPETITION."""
        return self._verdicts.popleft()

    def _aggregated(self, page_results: Sequence[Any]) -> Any:
        self._cut = []
        self._dropped = [dropped for *_, dropped in page_results]
        return self._aggregate(page_results)

    def _generated(self, inputs: Any, **options: Any) -> Any:
        generated = self._generate(inputs, **options)
        [tokens] = generated[0].tolist()
        self._cut.append(len(tokens) >= options["max_new_tokens"])
        return generated

    def _collected(self, futures: Sequence[Any]) -> Any:
        texts = self._collect(futures)
        self._cut += [future.result().choices[0].finish_reason == "length" for future in futures]
        return texts

    def _assembled(
        self, pages: Sequence[Any], groups: Any, group_of: Any, _dropped: set[str], image_labels: Any
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """PaddleX's own assembly, one page at a time. `groups` hold the regions read with like limits, in their order."""
        cut = dict(zip((key for group in groups.values() for key in group["vlm_block_ids"]), self._cut, strict=True))
        text = {
            key: result["result"] or ""
            for group in groups.values()
            for key, result in zip(group["vlm_block_ids"], group["vlm_results"], strict=True)
        }
        parts: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        for index, page in enumerate(pages):
            alone = [[]] * index + [page]
            assembled = self._assemble(alone, groups, group_of, self._dropped[index], image_labels)
            for part, results in zip(parts, assembled, strict=True):
                part.append(results[index])
            ends = [
                _end(block["label"], text[key], cut[key])
                for place, block in enumerate(page)
                if (key := (index, place)) in text
            ]
            self._verdicts.append(max(ends, key=_GRAVITY.index, default=Verdict.OK))
        return parts


_GRAVITY = (Verdict.OK, Verdict.TRUNCATED, Verdict.REPETITION)


def _end(label: str, text: str, cut: bool) -> Verdict:
    # the lengths from which PaddleX looks for loops (pipeline.py, `_paddleocr_vl_assemble_parsing_results`)
    if truncate_repetitive_content(text, min_count=5000 if label == "table" else 50) != text:
        return Verdict.REPETITION
    if not cut:
        return Verdict.OK
    return Verdict.REPETITION if ends_in_a_loop(text) else Verdict.TRUNCATED
