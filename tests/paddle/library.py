"""PaddleOCR itself, as its documentation uses it: `.venv-paddle/bin/python tests/paddle/library.py JOB`.

The job, JSON: `model` (pipeline version and the names and folders of its parts), `runs` (each an `input`, `predict`
options and `markdown` options). Beside it, JOB.done gets for each run its pages: Markdown, JSON, figures (base64).
"""

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from paddleocr import PaddleOCRVL


def typed(options: dict[str, Any]) -> dict[str, Any]:
    """JSON knows neither tuples nor numbers as keys."""
    made = dict(options)
    for name, value in options.items():
        if isinstance(value, dict):
            made[name] = {int(number): _pair(one) for number, one in value["by_class"].items()}
        elif name == "layout_unclip_ratio":
            made[name] = _pair(value)
    return made


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def read(pipeline: PaddleOCRVL, run: dict[str, Any]) -> list[dict[str, Any]]:
    pages = []
    for result in pipeline.predict(run["input"], **typed(run["predict"])):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            result.save_to_markdown(folder / "page.md", **run["markdown"])
            result.save_to_json(str(folder / "page.json"))
            figures = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stem != "page"]
            pages.append(
                {
                    "markdown": (folder / "page.md").read_bytes().decode(),
                    "json": (folder / "page.json").read_bytes().decode(),
                    "figures": {
                        path.relative_to(folder).as_posix(): base64.b64encode(path.read_bytes()).decode()
                        for path in figures
                    },
                }
            )
    return pages


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    pipeline = PaddleOCRVL(**job["model"], device="cpu")
    done = [read(pipeline, run) for run in job["runs"]]
    Path(sys.argv[1]).with_suffix(".done").write_text(json.dumps(done))


if __name__ == "__main__":
    main()
