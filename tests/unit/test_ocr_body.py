"""The description of bodies with documents: what it promises, held against what the server takes."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from server import catalog
from server.routes import ocr_body

COMPONENTS = ocr_body.components(list(catalog.read().values()), "pp-ocr")
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"


def fits(body: dict[str, Any], name: str = "Document", media_type: str = JSON) -> bool:
    """Whether a body is as described."""
    schema = COMPONENTS["requestBodies"][name]["content"][media_type]["schema"]
    document = {"components": {"schemas": COMPONENTS["schemas"]}}
    return bool(Draft202012Validator({**schema, **document}).is_valid(body))


def test_the_schemas_are_schemas() -> None:
    for body in COMPONENTS["requestBodies"].values():
        for content in body["content"].values():
            Draft202012Validator.check_schema(content["schema"])
    assert json.dumps(COMPONENTS)


@pytest.mark.parametrize(
    ("body", "fit"),
    [
        ({"image_base64": "AAAA"}, True),
        ({"image_url": "https://a.example/x.png"}, True),
        ({"image_url": "s3://bucket/key"}, True),
        ({"image_base64": "AAAA", "image_url": ""}, True),
        ({"image_base64": None, "image_url": "s3://b/k"}, True),
        ({"image_base64": "AAAA", "image_url": "s3://b/k"}, False),
        ({"image_base64": ""}, False),
        ({}, False),
        ({"image_base64": ["AAAA"]}, False),
        ({"file": "AAAA"}, False),
    ],
    ids=str,
)
def test_one_document(body: dict[str, Any], fit: bool) -> None:
    assert fits(body) is fit


@pytest.mark.parametrize(
    ("body", "fit"),
    [
        ({"image_base64": "AAAA"}, True),
        ({"image_base64": ["AAAA", "", None], "image_url": "s3://b/k"}, True),
        ({"image_base64": [], "image_url": ["s3://b/k"]}, True),
        ({"image_base64": [""], "image_url": None}, False),
        ({"image_base64": [], "image_url": []}, False),
        ({"image_base64": [7]}, False),
        ({}, False),
    ],
    ids=str,
)
def test_several_documents(body: dict[str, Any], fit: bool) -> None:
    assert fits(body, "Documents") is fits(body, "Job") is fit


@pytest.mark.parametrize(
    ("options", "fit"),
    [
        ({"save": True, "formats": ["md"], "pages": 3, "prompt": None}, True),
        ({"pages": " 1-3, 7 "}, True),
        ({"unheard_of": None}, True),
        ({"unheard_of": 1}, False),
        ({"save": "true"}, False),
        ({"save": 1}, False),
        ({"formats": "md"}, False),
        ({"formats": ["docx"]}, False),
        ({"pages": "1-"}, False),
        ({"pages": 0}, False),
        ({"prompt": "x" * 8001}, False),
        ({"model_name": "tesseract", "lang": "rus+eng"}, True),
        ({"model_name": "tesseract", "lang": "rus,eng"}, False),
        ({"model_name": "pp-ocr", "lang": "rus"}, False),
        ({"lang": "rus"}, False),
        ({"model_name": "glm-ocr", "temperature": 2}, True),
        ({"model_name": "glm-ocr", "temperature": 2.1}, False),
        ({"model_name": "paddleocr-vl", "layout_unclip_ratio": {"3": [1, 2]}}, True),
        ({"model_name": "paddleocr-vl", "layout_unclip_ratio": {"x": [1, 2]}}, False),
        ({"model_name": "paddleocr-vl", "markdown_ignore_labels": ["number"]}, True),
    ],
    ids=str,
)
def test_options_in_json(options: dict[str, Any], fit: bool) -> None:
    assert fits({"image_base64": "AAAA", **options}) is fit
    assert fits({"image_base64": ["AAAA"], **options}, "Job") is fit


@pytest.mark.parametrize(
    ("options", "fit"),
    [
        ({"save": "on", "formats": "md, html,", "pages": "1-3", "prompt": "", "webhook_url": ""}, True),
        ({"unheard_of": ""}, True),
        ({"unheard_of": "1"}, False),
        ({"save": "maybe"}, False),
        ({"formats": "md;html"}, False),
        ({"model_name": "tesseract", "lang": ""}, True),
        ({"model_name": "paddleocr-vl", "use_doc_unwarping": "no", "layout_nms": ""}, True),
        ({"model_name": "paddleocr-vl", "layout_threshold": '{"3": 0.5}'}, True),
        ({"model_name": "paddleocr-vl", "markdown_ignore_labels": "number, footer"}, True),
        ({"model_name": "paddleocr-vl", "table_format": "xlsx"}, False),
    ],
    ids=str,
)
def test_options_in_forms(options: dict[str, Any], fit: bool) -> None:
    assert fits({"image_base64": ["AAAA"], **options}, "Job", FORM) is fit
    assert fits({"file": ["AAAA"], **options}, "Job", MULTIPART) is fit


def test_a_model_by_default_need_not_be_named() -> None:
    """Its options go with its name, and with none."""
    components = ocr_body.components(list(catalog.read().values()), "tesseract")
    assert components["schemas"]["ModelsOfOptions"]["dependentSchemas"]["lang"] == {
        "properties": {"model_name": {"enum": ["tesseract", "", None]}}
    }
