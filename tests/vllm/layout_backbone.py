"""The first half of the tiny layout model: where there is ink, and which cell is which."""

from torch import nn

INK, ONE, COLUMN, ROW = range(4)
"""Channels that carry something: ink, a constant, how many cells are to the left, and whether any is above."""


def count_cells_and_keep_ink(model: nn.Module) -> None:
    """Set the weights of the backbone and of the encoder, in a model whose other weights are zero."""
    stem, stages = model.backbone.model.embedder, model.backbone.model.encoder.stages
    for channel, (y, x) in enumerate(((1, 1), (1, 2), (2, 1), (2, 2))):  # every second pixel each: none is passed over
        stem.stem1.convolution.weight[channel, :, y, x] = -1 / 3
        stem.stem1.normalization.bias[channel] = 0.95  # nearly white is no ink
    stem.stem3.convolution.weight[INK, :4, 1:, 1:] = 1 / 4
    stem.stem4.convolution.weight[INK, INK] = 1
    stages[1].downsample.convolution.weight[INK, 0] = 1 / 2
    for stage in (0, 1):
        _saturate(stages[stage].blocks[0])
    _copy(model.encoder_input_proj[0][0], INK)
    cells = stages[3].blocks[0]
    for number, layer in enumerate(cells.layers):
        layer.normalization.bias[ONE] = 1
        if number:
            layer.convolution.weight[COLUMN, [ONE, COLUMN], 1, 0] = 1  # what the cell to the left has counted, and one
            layer.convolution.weight[ROW, ONE, 0, 1] = 1  # 0 in the top row, 1 below
    squeeze, excite = cells.aggregation
    last = squeeze.convolution.in_channels - 4
    squeeze.convolution.weight[COLUMN, last + COLUMN] = 1
    squeeze.convolution.weight[ROW, last + ROW] = 1
    _copy(excite.convolution, COLUMN, ROW)
    _copy(model.encoder_input_proj[2][0], COLUMN, ROW)
    encoder = model.encoder
    for convolution in encoder.lateral_convs:
        _copy(convolution.conv, INK, COLUMN, ROW)
    for block in (*encoder.fpn_blocks, *encoder.pan_blocks):  # of two maps joined, the second: this level's own
        for channel in (INK, COLUMN, ROW):
            block.conv2.conv.weight[channel, 8 + channel] = 1


def _saturate(block: nn.Module, gain: float = 8) -> None:
    """min(1, gain × ink), by two layers with a ReLU each."""
    squeeze, excite = block.aggregation
    squeeze.convolution.weight[INK, INK] = -gain
    squeeze.normalization.bias[INK] = 1
    excite.convolution.weight[INK, INK] = -1
    excite.normalization.bias[INK] = 1


def _copy(convolution: nn.Conv2d, *channels: int) -> None:
    for channel in channels:
        convolution.weight[channel, channel] = 1
