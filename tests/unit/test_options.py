"""What a caller may say for each kind of option, in JSON and in a form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from server import catalog
from server.errors import BadOption
from server.options import OptionSpec, check_all

FLAG = OptionSpec("Switch", "flag", False)
COUNT = OptionSpec("How many", "integer", least=1, most=10)
SHARE = OptionSpec("How much", "number", above=0, most=1, pair=True, per_class=True)
KIND = OptionSpec("Which", "choice", "a", choices=("a", "b"), per_class=True)
BOUNDS = OptionSpec("Bounds", "integer", least=1, most=9, keys=("a_min", "a_max"))
NAMES = OptionSpec("Names", "list", pattern="[a-z_]{1,40}")
VL = catalog.read()["paddleocr-vl"]


@pytest.mark.parametrize(
    ("spec", "given", "value"),
    [
        (FLAG, True, True),
        (FLAG, "true", True),
        (FLAG, "Off", False),
        (FLAG, "0", False),
        (COUNT, 3, 3),
        (COUNT, 3.0, 3),
        (COUNT, "10", 10),
        (COUNT, None, None),
        (COUNT, "", None),
        (SHARE, 0.5, 0.5),
        (SHARE, "1", 1.0),
        (SHARE, [0.5, 1], [0.5, 1.0]),
        (SHARE, "[0.5, 1]", [0.5, 1.0]),
        (SHARE, {"3": 0.5, "21": [0.1, 0.2]}, {"3": 0.5, "21": [0.1, 0.2]}),
        (SHARE, '{"3": 0.5}', {"3": 0.5}),
        (KIND, "b", "b"),
        (KIND, {"7": "b"}, {"7": "b"}),
        (BOUNDS, {"a_max": 3, "a_min": 2.0}, {"a_max": 3, "a_min": 2}),
        (BOUNDS, '{"a_min": 1}', {"a_min": 1}),
        (BOUNDS, {}, {}),
        (NAMES, ["a", "b_c"], ["a", "b_c"]),
        (NAMES, "a, b_c,", ["a", "b_c"]),
        (NAMES, [], []),
    ],
)
def test_what_fits_comes_back_in_its_own_type(spec: OptionSpec, given: object, value: object) -> None:
    found = spec.check("x", given)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        *((FLAG, given) for given in ("maybe", 2, [], None, "")),
        *((COUNT, given) for given in (0, 11, 1.5, True, "1.5", "x", [1], {"1": 1}, "nan", 10**400)),
        *(
            (SHARE, given)
            for given in (0, 1.1, "nan", "inf", True, [0.5], [1, 1, 1], {"x": 1}, {"-1": 1}, "{", "[" * 9999)
        ),
        *(
            (BOUNDS, given)
            for given in (5, [1], "[1]", {"b": 1}, {"a_min": 0}, {"a_min": None}, {"a_min": {"a_min": 1}})
        ),
        *((KIND, given) for given in ("c", "", None, ["a"], {"1": "c"})),
        *((NAMES, given) for given in ("A", ["a", 1], 7, ["a b"], {"a": 1})),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(spec: OptionSpec, given: object) -> None:
    with pytest.raises(BadOption, match=f"^x: .* will not do. {spec.description}; "):
        spec.check("x", given)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (FLAG, "Switch; true or false."),
        (COUNT, "How many; a whole number from 1 to 10."),
        (
            SHARE,
            "How much; a number above 0 to 1, or two of them, for x and y, or an object from class numbers to such values.",
        ),
        (KIND, "Which; one of a, b, or an object from class numbers to such values."),
        (NAMES, "Names; names separated by commas."),
    ],
)
def test_the_range_is_said_in_words(spec: OptionSpec, words: str) -> None:
    with pytest.raises(BadOption) as refused:
        spec.check("x", "!")
    assert str(refused.value) == f"x: '!' will not do. {words}"


def test_one_option_may_be_bound_by_another() -> None:
    assert VL.check_options({"min_pixels": 1000, "max_pixels": 1000})["max_pixels"] == 1000
    with pytest.raises(BadOption, match=r"^min_pixels: 1001 is more than max_pixels, which is 1000\.$"):
        VL.check_options({"min_pixels": 1001, "max_pixels": "1000"})


@pytest.mark.parametrize("model", ["paddleocr-vl", "paddleocr-vl-1.5", "paddleocr-vl-1.6"])
def test_the_three_versions_take_the_same_options(model: str) -> None:
    entry = catalog.read()[model]
    assert entry.options == VL.options
    assert "max_new_tokens" in entry.options


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 2.1},
        {"temperature": -0.1},
        {"top_p": 0},
        {"repetition_penalty": 0},
        {"layout_threshold": 1.01},
        {"layout_threshold": {"3": 2}},
        {"layout_unclip_ratio": 0},
        {"layout_merge_bboxes_mode": "biggest"},
        {"layout_shape_mode": "round"},
        {"prompt_label": "poem"},
        {"min_pixels": 0},
        {"min_pixels": 2_000_000},
        {"max_pixels": 20_000_000},
        {"max_new_tokens": 0},
        {"max_new_tokens": 32769},
        {"table_format": "xlsx"},
        {"use_chart_recognition": "perhaps"},
        {"use_everything": True},
    ],
    ids=str,
)
def test_what_paddleocr_vl_does_not_take(options: dict[str, Any]) -> None:
    with pytest.raises(BadOption):
        VL.check_options(options)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_value_is_taken_or_refused(value: object) -> None:
    for spec in (FLAG, COUNT, SHARE, KIND, NAMES):
        try:
            found = spec.check("x", value)
        except BadOption:
            continue
        assert spec.check("x", found) == found


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (FLAG, "true"),
        (COUNT, "3"),
        (COUNT, ""),
        (SHARE, "0.5"),
        (SHARE, "[0.5, 1]"),
        (KIND, '{"7": "b"}'),
        (NAMES, "a"),
    ],
)
def test_where_values_have_types_a_text_is_a_text(spec: OptionSpec, text: str) -> None:
    spec.check("x", text)
    with pytest.raises(BadOption):
        spec.check("x", text, typed=True)


_VALUES = st.recursive(
    st.sampled_from(["a", "b", "true", "", None, True, 0, 1, 1.0, 0.5, 10, 11]) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["7", "007", "1000", "x"]), inner),
    max_leaves=4,
)


@given(_VALUES)
def test_the_schema_says_what_is_taken(value: object) -> None:
    for spec in (FLAG, COUNT, SHARE, KIND, NAMES):
        try:
            spec.check("x", value, typed=True)
            taken = True
        except BadOption:
            taken = False
        described = Draft202012Validator(spec.schema()).is_valid(value)
        assert (taken or value is None) == (described or value is None), spec


def test_what_is_not_given_has_its_default() -> None:
    assert check_all({"flag": FLAG, "count": COUNT}, {}, "m") == {"flag": False, "count": None}
