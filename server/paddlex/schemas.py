"""The requests and replies of PaddleX's serving for PaddleOCR-VL, as PaddleX 3.7's serving/schemas/paddleocr_vl.py has them.

What this server adds is said in the descriptions.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from server.errors import BadOption


def _number(value: object) -> object:
    """Neither text nor a truth value, which would pass for numbers; one that is whole may be written as `1.0`."""
    if type(value) not in {int, float}:
        raise ValueError("it is not a number")
    return value


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Score = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0, le=2**53)]
Coordinate = Annotated[float, Field(ge=-1e9, le=1e9, strict=True)]  # px
Size = Annotated[int, Field(ge=0, le=10**9), BeforeValidator(_number)]  # px
MergeMode = Literal["large", "small", "union"]
ClassNumber = Annotated[str, StringConstraints(pattern="^[0-9]{1,3}$")]

_FIGURE_FORM = "Figures by the names that the Markdown has for them: JPEG in base64"


class Wire(BaseModel):
    """Names are in camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel)


class WrittenOut(Wire):
    """What both addresses take: how pages are restructured and written down."""

    merge_tables: StrictBool = Field(
        True, description="Join tables that go on over pages, where pages are restructured"
    )
    relevel_titles: StrictBool = Field(
        True, description="Work out the headings' levels anew, where pages are restructured"
    )
    prettify_markdown: StrictBool = Field(True, description="Markdown centres and scales figures by HTML")
    show_formula_number: StrictBool = Field(False, description="Markdown carries the numbers of formulas")
    return_markdown_images: StrictBool = Field(True, description="Whether the figures are in the reply")
    output_formats: list[str] | None = Field(
        None, json_schema_extra={"maxItems": 0}, description="PaddleX knows `docx`, which is not offered here"
    )
    log_id: str | None = Field(None, description="Comes back in the reply; this server's own request id if not given")

    def check_formats(self) -> None:
        """Raises BadOption for a further form: none is offered."""
        if self.output_formats:
            raise BadOption(
                f"outputFormats: {self.output_formats[0][:80]!r} is not offered here; see POST /ocr for others."
            )


class LayoutParsingRequest(WrittenOut):
    """One document and the options of PaddleOCR-VL. Those that are not given are the model's own."""

    file: str = Field(
        json_schema_extra={"minLength": 1},
        description="The document in base64 (a data URI will do), or where it is: an address (off unless "
        "ALLOW_URL_INPUT), or s3://bucket/key (see S3_INPUT_BUCKETS)",
    )
    file_type: Literal[0, 1] | None = Field(None, description="0 is PDF, 1 an image; found out if not given")
    model_name: str | None = Field(
        None,
        alias="model_name",
        max_length=100,
        description="Not in PaddleX: a model of `/models`; the default model if not given",
    )
    pages: str | None = Field(
        None, max_length=1000, description="Not in PaddleX: pages to read, such as `1-3,7`; all if not given"
    )
    use_doc_orientation_classify: StrictBool | None = None
    use_doc_unwarping: StrictBool | None = None
    use_layout_detection: StrictBool | None = None
    use_chart_recognition: StrictBool | None = None
    use_seal_recognition: StrictBool | None = None
    use_ocr_for_image_block: StrictBool | None = None
    layout_threshold: Score | dict[ClassNumber, Score] | None = Field(
        None, description="Least score of a region, 0 to 1, or an object from class numbers to such scores"
    )
    layout_nms: StrictBool | None = None
    layout_unclip_ratio: (
        Positive | tuple[Positive, Positive] | dict[ClassNumber, Positive | tuple[Positive, Positive]] | None
    ) = Field(
        None, description="A factor above 0, two for width and height, or an object from class numbers to such factors"
    )
    layout_merge_bboxes_mode: MergeMode | dict[ClassNumber, MergeMode] | None = Field(
        None, description="One of large, small, union, or an object from class numbers to these"
    )
    layout_shape_mode: Literal["rect", "quad", "poly", "auto"] = "auto"
    prompt_label: Literal["ocr", "formula", "table", "chart", "seal", "spotting"] | None = None
    format_block_content: StrictBool | None = None
    repetition_penalty: Positive | None = None
    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    min_pixels: Count | None = None
    max_pixels: Count | None = None
    max_new_tokens: Count | None = None
    merge_layout_blocks: StrictBool | None = None
    markdown_ignore_labels: list[str] | None = None
    vlm_extra_args: dict[str, int] | None = Field(
        None, description="Bounds of pixels for one kind of region, such as `table_max_pixels`"
    )
    restructure_pages: StrictBool = Field(False, description="Look at the pages together, as `/restructure-pages` does")
    visualize: StrictBool | None = Field(
        None, description="Return each page's image, and one with its regions drawn in"
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_pixels and self.max_pixels and self.min_pixels > self.max_pixels:
            raise ValueError(f"minPixels ({self.min_pixels}) is more than maxPixels ({self.max_pixels})")
        return self


class GivenImage(BaseModel):
    """A figure of a region."""

    path: str = Field(max_length=1000)


class GivenBlock(BaseModel):
    """A region of a page that is sent back."""

    block_label: str
    block_content: str
    block_bbox: tuple[Coordinate, Coordinate, Coordinate, Coordinate]
    group_id: Any = None
    block_polygon_points: Any = None
    image: GivenImage | None = None


_SETTINGS = {
    "type": "object",
    "properties": {"markdown_ignore_labels": {"type": "array", "items": {"type": "string"}}},
}


def _with_names(settings: dict[str, Any]) -> dict[str, Any]:
    """The only setting that is more than a switch."""
    names = settings.get("markdown_ignore_labels", [])
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ValueError("markdown_ignore_labels is not a list of names")
    return settings


class GivenResult(BaseModel):
    """A `prunedResult` of `/layout-parsing`; what PaddleX does not look at is let through."""

    page_count: Any = None
    width: Size
    height: Size
    model_settings: Annotated[dict[str, Any], AfterValidator(_with_names), WithJsonSchema(_SETTINGS)]
    parsing_res_list: list[GivenBlock]
    spotting_res: Any = None
    doc_preprocessor_res: Any = None
    layout_det_res: Any = None


class GivenPage(Wire):
    """A page of an earlier reply."""

    pruned_result: GivenResult
    markdown_images: dict[str, str] | None = Field(None, description=_FIGURE_FORM)


class RestructurePagesRequest(WrittenOut):
    """Pages of one document, in their order."""

    pages: list[GivenPage]
    concatenate_pages: StrictBool = Field(False, description="Return all pages as one")


class MarkdownData(Wire):
    """A page's Markdown and its figures."""

    text: str
    images: dict[str, str] | None = Field(None, description=_FIGURE_FORM)


class LayoutParsingResult(Wire):
    """One page. Its result is PaddleX's own for `paddleocr-vl*`, for other models made in its likeness."""

    pruned_result: dict[str, Any]
    markdown: MarkdownData
    output_images: dict[str, str] | None = Field(None, description="With `visualize`: JPEG in base64")
    input_image: str | None = Field(None, description="With `visualize`: the page, JPEG in base64")
    error: str | None = Field(None, description="Not in PaddleX: why the page could not be read, where it could not")


class ImageInfo(Wire):
    """An image; its size in pixels."""

    width: int
    height: int
    type: Literal["image"] = "image"


class PageInfo(Wire):
    """A page; its size in pixels."""

    width: int
    height: int


class PagesInfo(Wire):
    """The pages that were read of a PDF, or of a TIFF with several."""

    num_pages: int
    pages: list[PageInfo]
    type: Literal["pdf", "tiff"]


class ParsedDocument(Wire):
    """The pages in their order."""

    layout_parsing_results: list[LayoutParsingResult]
    data_info: ImageInfo | PagesInfo


class RestructuredDocument(Wire):
    """The pages in their order, or one that is all of them."""

    layout_parsing_results: list[LayoutParsingResult]


class _Reply(Wire):
    log_id: str
    error_code: Literal[0] = 0
    error_msg: Literal["Success"] = "Success"
    warnings: list[str] | None = Field(
        None, description="Not in PaddleX: what of the request had no effect, if anything"
    )


class LayoutParsingReply(_Reply):
    """What `/layout-parsing` answers."""

    result: ParsedDocument


class RestructurePagesReply(_Reply):
    """What `/restructure-pages` answers."""

    result: RestructuredDocument


def first_mistake(error: ValidationError, model: type[Wire]) -> str:
    """What is wrong, and where. Where a value is of none of several types, nobody knows which of them was meant."""
    first = error.errors(include_url=False)[0]
    if len(first["loc"]) > 1 and isinstance(first["loc"][1], str):  # a type's name, or a key
        name = first["loc"][0]
        wanted = next(field.description for field in model.model_fields.values() if field.alias == name)
        return f"{name}: it has a value that will not do. {wanted}."
    where = f"{'.'.join(map(str, first['loc']))}: " if first["loc"] else ""
    return f"{where}{first['msg'].removeprefix('Value error, ')}."[:500]
