"""Which tokens may not come next because they would end a run of tokens that was there already. Pure.

The rule of DeepSeek-OCR's `NoRepeatNGramLogitsProcessor` (github.com/deepseek-ai/DeepSeek-OCR,
DeepSeek-OCR-vllm/process/ngram_norepeat.py), which vLLM has, too.
"""

from collections.abc import Sequence


def banned(generated: Sequence[int], size: int, window: int) -> set[int]:
    """The tokens that would end a run of `size` tokens that began among the last `window` generated ones."""
    if len(generated) < size:
        return set()
    last = list(generated[len(generated) - size + 1 :])
    begins = range(max(0, len(generated) - window), len(generated) - size + 1)
    return {generated[begin + size - 1] for begin in begins if list(generated[begin : begin + size - 1]) == last}
