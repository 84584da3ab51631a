"""Token ids by their text. Standard library only."""

import json
from collections.abc import Collection
from pathlib import Path


def added_tokens(folder: Path, texts: Collection[str]) -> list[int]:
    """The ids of the tokenizer's added tokens with these texts, from tokenizer.json; one that it lacks is left out."""
    added = json.loads((folder / "tokenizer.json").read_text("utf-8")).get("added_tokens", ())
    return sorted(token["id"] for token in added if token["content"] in texts)
