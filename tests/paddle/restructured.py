"""PaddleX's own `restructure_pages`, as its server uses it: `.venv-peers/bin/python tests/paddle/restructured.py JOB`.

The job, JSON, is a list of requests of `/restructure-pages`. Beside it, JOB.done gets their results.
"""

import json
import sys
from pathlib import Path
from typing import Any

from paddlex.inference.pipelines.paddleocr_vl.pipeline import _PaddleOCRVLPipeline
from paddlex.inference.serving.basic_serving._pipeline_apps._common.common import prune_result


def restructure(request: dict[str, Any]) -> list[dict[str, Any]]:
    pages = [
        {"res": {**page["prunedResult"], "input_path": "", "page_index": index}}
        for index, page in enumerate(request["pages"])
    ]
    results = _PaddleOCRVLPipeline.restructure_pages(
        None,
        pages,
        merge_tables=request["mergeTables"],
        relevel_titles=request["relevelTitles"],
        concatenate_pages=request["concatenatePages"],
    )
    return [
        {
            "prunedResult": prune_result(result.json["res"]),
            "text": result._to_markdown(
                pretty=request["prettifyMarkdown"], show_formula_number=request["showFormulaNumber"]
            )["markdown_texts"],
        }
        for result in results
    ]


def main() -> None:
    requests = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[1]).with_suffix(".done").write_text(json.dumps([restructure(request) for request in requests]))


if __name__ == "__main__":
    main()
