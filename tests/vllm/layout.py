"""A tiny PP-DocLayoutV3 whose weights are set by hand: known regions, each found only where there is ink.

The way of a page through it:

- the first stages of the backbone keep the ink, saturated, on a grid of 100×100;
- the last stage, on a grid of 25×25, counts columns and rows from the zeros that convolutions see beyond the border:
  so the cells of the top row differ, and the best-scored queries are they, from left to right, on every page;
- a query's place tells its number; by it, deformable attention looks at one region's ink;
- class, box and order are tables over that number; the class needs the ink as well.

Layer norms would spoil numbers set by hand. Every value sits on two channels with opposite signs, beside a constant so
large that a norm does nothing but divide by it, and the norm's own weight multiplies by it again.
"""

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PPDocLayoutV3Config, PPDocLayoutV3ForObjectDetection, PPDocLayoutV3ImageProcessor

from tests.vllm.layout_backbone import COLUMN, INK, ROW, count_cells_and_keep_ink
from tests.vllm.regions import LABELS, REGIONS

_COUNT = len(REGIONS)
_WIDTH, _HEADS, _POINTS = 64, 8, 16
_CELLS = 25  # across the page, at the last stage
_LARGE = 3000.0
_KEEP = _LARGE * math.sqrt(2 / _WIDTH)  # what a norm divides by, for it is the standard deviation
_CONSTANT, _COLUMN, _SCORE, _INK = 0, 2, 4, 6  # the first of two channels
_NUMBER = 8  # the first of two channels for each query's number
_PLACE = 8 + 2 * _COUNT  # channels of the position embedding alone


def make_layout(folder: Path) -> None:
    model = PPDocLayoutV3ForObjectDetection(_configuration()).eval()
    with torch.no_grad():
        _clear(model)
        count_cells_and_keep_ink(model.model)
        _choose_queries(model.model)
        _look_at_regions(model.model.decoder)
        _decide(model.model)
    model.save_pretrained(folder)
    PPDocLayoutV3ImageProcessor().save_pretrained(folder)


def _configuration() -> PPDocLayoutV3Config:
    backbone = {
        **{"model_type": "hgnet_v2", "embedding_size": 4, "depths": [1] * 4, "hidden_sizes": [8] * 4},
        **{"stem_channels": [3, 4, 4], "stage_in_channels": [4, 8, 8, 8], "stage_mid_channels": [4] * 4},
        **{"stage_out_channels": [8] * 4, "stage_num_blocks": [1] * 4},
        **{"stage_downsample": [False, True, True, True], "stage_light_block": [False] * 4},
        **{"stage_kernel_size": [3] * 4, "stage_numb_of_layers": [1, 1, 1, _COUNT + 1]},
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
    }
    return PPDocLayoutV3Config(
        backbone_config=backbone,
        id2label=dict(enumerate(LABELS)),
        **{"encoder_in_channels": [8, 8, 8], "encoder_hidden_dim": 8, "encoder_ffn_dim": 8},
        **{"encoder_attention_heads": 2, "encoder_layers": 0, "activation_function": "relu"},
        **{"decoder_in_channels": [8, 8, 8], "d_model": _WIDTH, "decoder_layers": 1, "decoder_ffn_dim": 64},
        **{"decoder_attention_heads": _HEADS, "decoder_n_points": _POINTS, "num_queries": _COUNT, "num_denoising": 0},
        **{"mask_feature_channels": [8, 8], "x4_feat_dim": 8, "num_prototypes": 4, "mask_enhanced": False},
        **{"global_pointer_head_size": 8, "tie_word_embeddings": False},
    )


def _clear(model: nn.Module) -> None:
    """All weights to zero, all norms to doing nothing."""
    for parameter in model.parameters():
        parameter.zero_()
    for module in model.modules():
        if "BatchNorm" in type(module).__name__:
            module.weight.fill_(1)
            module.bias.zero_()
        elif isinstance(module, nn.LayerNorm):
            module.weight.fill_(_KEEP)


def _both(weight: Tensor, row: int, values: Tensor | float) -> None:
    """A value on two channels with opposite signs."""
    weight[row] = values
    weight[row + 1] = -torch.as_tensor(values)


def _choose_queries(model: nn.Module) -> None:
    fine, _, coarse = model.decoder_input_proj
    fine[0].weight[_INK, INK] = 1
    coarse[0].weight[_COLUMN, COLUMN] = 1
    coarse[0].weight[_SCORE, COLUMN] = -1
    coarse[0].weight[_SCORE, ROW] = -2 * _COUNT
    coarse[1].bias[_SCORE] = 4 * _COUNT  # other levels have 0
    linear = model.enc_output[0]
    for channel in (_COLUMN, _SCORE):
        _both(linear.weight[:, channel], channel, 1)
    _both(linear.bias, _CONSTANT, _LARGE)
    model.enc_score_head.weight[:, _SCORE] = 1


def _look_at_regions(decoder: nn.Module) -> None:
    """The position embedding is the query's number, one of many; by it each region has sampling points of its own."""
    first, second = decoder.query_pos_head.layers
    _tents(first, second, source=0, scale=_CELLS, shift=-0.5, target=_PLACE)
    layer = decoder.layers[0]
    attention = layer.encoder_attn
    offsets = attention.sampling_offsets.weight.view(_HEADS, 3, _POINTS, 2, _WIDTH)
    attention.attention_weights.bias.view(_HEADS, 3, _POINTS)[:, 1:] = -100  # only the finest level
    for number, (_, box) in enumerate(REGIONS):
        anchor = torch.tensor(_anchor(number))
        offsets[:, 0, :, :, _PLACE + number] = (_points(box) - anchor[:2]) * _POINTS / (0.5 * anchor[2:])
    share = _WIDTH // _HEADS
    attention.value_proj.weight[::share, _INK] = 1
    for channel in range(0, _WIDTH, share):
        _both(attention.output_proj.weight[:, channel], _INK, 1 / _HEADS)
    _tents(layer.mlp.fc1, layer.mlp.fc2, source=_COLUMN, scale=1, shift=0, target=_NUMBER, signs=(1, -1))
    # enough ink is all ink: min(1, 64 × share of the points that see some)
    for unit, shift in ((-2, 0), (-1, -1)):
        layer.mlp.fc1.weight[unit, _INK] = 64
        layer.mlp.fc1.bias[unit] = shift
    for sign, channel in ((1, _INK), (-1, _INK + 1)):
        layer.mlp.fc2.weight[channel, -2] = sign
        layer.mlp.fc2.weight[channel, -1] = -sign


def _tents(
    first: nn.Linear, second: nn.Linear, *, source: int, scale: float, shift: float, target: int, signs: tuple = (1,)
) -> None:
    """One channel for each number: 1 where scale × source + shift is it, 0 for the others; made of three ReLUs each."""
    for unit in range(_COUNT + 2):
        first.weight[unit, source] = scale
        first.bias[unit] = shift - (unit - 1)
    for number in range(_COUNT):
        for side, sign in enumerate(signs):
            row = target + number * len(signs) + side
            second.weight[row, number : number + 3] = sign * torch.tensor([1.0, -2.0, 1.0])


def _points(box: tuple[float, float, float, float]) -> Tensor:
    """Sampling points of all heads, spread over a region and away from its edges."""
    left, top, right, bottom = box
    across, down = 16, _HEADS * _POINTS // 16
    x = left + (right - left) * (torch.arange(across) + 0.5) / across
    y = top + (bottom - top) * (torch.arange(down) + 0.5) / down
    return torch.cartesian_prod(y, x).flip(1).view(_HEADS, _POINTS, 2)


def _anchor(number: int) -> tuple[float, float, float, float]:
    """The box that the model itself gives the cell: centre, width, height."""
    return (number + 0.5) / _CELLS, 0.5 / _CELLS, 0.2, 0.2


def _decide(model: nn.Module) -> None:
    score = model.decoder.class_embed
    score.bias.fill_(-15)
    score.weight[:, _INK] = 10
    boxes = model.decoder.bbox_embed.layers
    for number, (label, (left, top, right, bottom)) in enumerate(REGIONS):
        channel = _NUMBER + 2 * number
        score.weight[LABELS.index(label), channel] = 10
        boxes[0].weight[number, channel] = 1
        boxes[1].weight[number, number] = 1
        box = torch.tensor([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
        boxes[2].weight[:, number] = torch.logit(box) - torch.logit(torch.tensor(_anchor(number)))
    model.decoder_global_pointer.dense.bias.fill_(3)  # every query comes before the ones after it
    model.mask_query_head.layers[-1].bias.fill_(1)  # a mask that fills the box: the polygon is the box
    model.encoder.encoder_mask_output.conv.bias.fill_(1)
