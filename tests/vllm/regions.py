"""What the tiny layout model finds; free of heavy imports, so that tests can read it anywhere."""

_LABELS = """
abstract algorithm aside_text chart content display_formula doc_title figure_title footer
footer_image footnote formula_number header header_image image inline_formula number paragraph_title
reference reference_content seal table text vertical_text vision_footnote
"""
LABELS = _LABELS.split()
"""Class number → label, as published."""

REGIONS = (
    ("doc_title", (0.08, 0.03, 0.92, 0.09)),
    ("text", (0.08, 0.12, 0.48, 0.30)),
    ("text", (0.52, 0.12, 0.92, 0.30)),
    ("table", (0.08, 0.34, 0.56, 0.56)),
    ("image", (0.60, 0.42, 0.80, 0.52)),
    ("display_formula", (0.20, 0.60, 0.80, 0.66)),
    ("chart", (0.08, 0.70, 0.30, 0.80)),
    ("seal", (0.40, 0.70, 0.60, 0.80)),
    ("image", (0.08, 0.84, 0.45, 0.93)),
    ("number", (0.48, 0.95, 0.52, 0.98)),
)
"""Where the model looks, in reading order, relative to the page."""
