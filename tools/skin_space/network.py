"""A small network that corrects the components' colours of hidden skin: a U-Net over the unrolled skin of the face."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.skin_space.vary import mirrored_places
from unveil.geometry.uv import texel_map
from unveil.heads.model import MorphableModel
from unveil.typing import Int64s

SIDE = 64  # cells of the unrolled skin
CHANNELS = (24, 48, 96)
MARGIN = 0.01  # around the unrolled skin, of its longer side
STEP = 0.1  # encoded, of 1, by which an output of one changes a colour
# Offset and scale of colours, and scale of differences: inputs vary by about one
GREY, CONTRAST, APART = 0.45, 3.0, 4.0
PARTS = 4  # cells a side in which one layer sees the whole face


class Completion(nn.Module):
    """Colours of K vertices of the skin, from what is seen of them and what the components expect.

    Input [B, K, 10]: the encoded RGB (0 to 1) that is seen, the share that is seen, the encoded RGB that the components
    expect, and the normal. Output [B, K, 3]: the expected colours, corrected.
    """

    def __init__(self, model: MorphableModel, vertices: Int64s) -> None:
        super().__init__()
        self.corners: Tensor
        self.weights: Tensor
        self.around: Tensor
        self.shares: Tensor
        self.other: Tensor
        at_vertices, at_corners = _unrolled(model, vertices)
        fixed = (*_cells(model, vertices, at_corners), *_bilinear(at_vertices), mirrored_places(model, vertices))
        for name, values in zip(("corners", "weights", "around", "shares", "other"), fixed, strict=True):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        self.network = UNet(inputs=17)

    def forward(self, face: Tensor) -> Tensor:
        """See the class."""
        seen, known, expected, normals = face.split([3, 1, 3, 3], dim=2)
        differs = APART * (seen - expected) * known
        whole = CONTRAST * (expected - GREY)
        here = torch.cat([differs, known], dim=2)
        shown = CONTRAST * (seen - GREY) * known
        inputs = torch.cat([here, here[:, self.other], whole, shown, normals], dim=2)
        return expected + STEP * self._at_vertices(self.network(self._grid(inputs)))

    def _grid(self, values: Tensor) -> Tensor:
        """Values [B, K, C] of the vertices as a grid [B, C, SIDE, SIDE]; zero beside the skin."""
        inside = (values[:, self.corners] * self.weights[..., None]).sum(dim=2)
        return inside.transpose(1, 2).unflatten(2, (SIDE, SIDE))

    def _at_vertices(self, grid: Tensor) -> Tensor:
        return (grid.float().flatten(2)[:, :, self.around] * self.shares).sum(dim=3).transpose(1, 2)


class UNet(nn.Module):
    """From a grid [B, C, SIDE, SIDE] to three numbers a cell, by way of coarser grids and of the whole face."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        fine, middle, coarse = CHANNELS
        self.enter, self.first = _layer(4 * inputs, fine), Residual(fine)
        self.place = nn.Parameter(torch.zeros(1, fine, SIDE // 2, SIDE // 2))  # what differs from place to place
        self.to_middle, self.second = _layer(fine, middle, stride=2), Residual(middle)
        self.to_coarse, self.third = _layer(middle, coarse, stride=2), Residual(coarse)
        self.whole = nn.Sequential(
            nn.AvgPool2d(SIDE // 8 // PARTS),
            nn.Flatten(),
            nn.Linear(coarse * PARTS**2, coarse),
            nn.ReLU(),
            nn.Linear(coarse, coarse),
        )
        self.fourth = Residual(coarse)
        self.back_to_middle, self.fifth = _layer(coarse + middle, middle), Residual(middle)
        self.back_to_fine, self.sixth = _layer(middle + fine, fine), Residual(fine)
        self.leave = nn.Conv2d(fine, 3 * 4, 3, padding=1)
        for values in self.leave.parameters():
            nn.init.zeros_(values)

    def forward(self, grid: Tensor) -> Tensor:
        """See the class."""
        fine = self.first(self.enter(functional.pixel_unshuffle(grid, 2)) + self.place)
        middle = self.second(self.to_middle(fine))
        coarse = self.third(self.to_coarse(middle))
        coarse = self.fourth(coarse + self.whole(coarse)[:, :, None, None])
        middle = self.fifth(self.back_to_middle(torch.cat([_doubled(coarse), middle], dim=1)))
        fine = self.sixth(self.back_to_fine(torch.cat([_doubled(middle), fine], dim=1)))
        return functional.pixel_shuffle(self.leave(fine), 2)


class Residual(nn.Module):
    """Two convolutions, added to what they get."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _layer(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, values: Tensor) -> Tensor:
        """See the class."""
        return functional.relu(values + self.norm(self.second(self.first(values))))


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _doubled(values: Tensor) -> Tensor:
    return functional.interpolate(values, scale_factor=2.0, mode="bilinear", align_corners=False)


def _unrolled(model: MorphableModel, vertices: Int64s) -> tuple[np.ndarray, np.ndarray]:
    """Texture coordinates of the vertices [K, 2] and of the model [T, 2], moved so that the first fill the square."""
    uv, inside = np.asarray(model.uv), _triangles(model, vertices)
    used = uv[np.asarray(model.uv_faces)[inside].ravel()]
    low, high = used.min(axis=0), used.max(axis=0)
    size, centre = (high - low).max() * (1 + 2 * MARGIN), (low + high) / 2
    return (model.vertex_uv()[vertices] - centre) / size + 0.5, (uv - centre) / size + 0.5


def _triangles(model: MorphableModel, vertices: Int64s) -> np.ndarray:
    """Whether all corners of a triangle [F] are among the vertices."""
    chosen = np.zeros(len(model.head.template), np.bool_)
    chosen[vertices] = True
    return np.asarray(chosen[model.faces].all(axis=1))


def _cells(model: MorphableModel, vertices: Int64s, uv: np.ndarray) -> tuple[Int64s, np.ndarray]:
    """The places among the vertices of the corners around each cell [N, 3], and their weights [N, 3]; zero off skin."""
    place = np.zeros(len(model.head.template), np.int64)
    place[vertices] = np.arange(len(vertices))
    inside = _triangles(model, vertices)
    found = texel_map(uv, np.asarray(model.uv_faces)[inside], SIDE)
    corners, weights = np.zeros((SIDE**2, 3), np.int64), np.zeros((SIDE**2, 3), np.float32)
    corners[found.texels] = place[model.faces[inside][found.triangle]]
    weights[found.texels] = found.barycentric
    return corners, weights


def _bilinear(uv: np.ndarray) -> tuple[Int64s, np.ndarray]:
    """The four cells around points [K, 2] of the unrolled skin [K, 4], and their weights [K, 4]."""
    row, column = (np.clip(x * SIDE - 0.5, 0, SIDE - 1.001) for x in (1 - uv[:, 1], uv[:, 0]))
    top, left = row.astype(np.int64), column.astype(np.int64)
    down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
    corner = top * SIDE + left
    cells = np.stack([corner, corner + 1, corner + SIDE, corner + SIDE + 1], axis=1)
    shares = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    return cells, np.stack(shares, axis=1)
