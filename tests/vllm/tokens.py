"""A small tokenizer of the kind the published models have: byte-level BPE with special tokens of the model's own."""

from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

WORDS = """
Text Recognition: Table Recognition: Formula Recognition: Convert the document to markdown. Free OCR. Parse the figure.
the quick brown fox jumps over the lazy dog and reads an invoice of two pages with totals, dates and names
title text table image caption equation figure footnote header list 0 1 2 3 4 5 6 7 8 9 10 25 100 2026
съешь ещё этих мягких французских булок да выпей чаю счёт договор итого страница подпись
数字 文字 表格 公式 图像
<table> <tr> </tr> </table> | --- | # ## **bold** - item $x^2$ \\frac{a}{b} [ ] ( ) { } , . ; : ! ?
"""


def train_tokenizer(
    special: Sequence[str], tags: Sequence[str] = (), size: int = 512, **named: str
) -> PreTrainedTokenizerFast:
    """The first tokens are the special ones, in order; tags are added tokens that stay in decoded text."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*special, *tags],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([WORDS] * 4, trainer)
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in tags])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **named)


def visible(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """The tokens that are characters to be seen, whole ones: no half of a character, no blank, no special token."""
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    texts = {token: tokenizer.decode([token]) for token in range(len(tokenizer)) if token not in special}
    return [token for token, text in texts.items() if text.strip() and text.isprintable() and "\ufffd" not in text]
