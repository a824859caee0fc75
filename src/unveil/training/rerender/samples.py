"""Re-rendered samples: which photograph, which head, and the picture. A sample follows from the seed and its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from unveil.heads.face_points import face_points
from unveil.heads.layout import Coefficients
from unveil.training.crops.prepared import TRAIN, VALIDATION, canonical_crop
from unveil.training.rerender.draw import FAR_TURNS, draw_distance, draw_expression, draw_turn
from unveil.training.rerender.photographs import Photographs
from unveil.training.rerender.placing import Placed, as_photographed, place
from unveil.training.rerender.priors import NewHead, Prior
from unveil.training.rerender.render import Photographed, rerender
from unveil.training.rerender.surface import Seen, Surface
from unveil.training.rerender.surroundings import continued
from unveil.typing import Float32s, Floats, Image

VALIDATION_SHARE = 0.02  # of the samples, of photographs kept for validation where there are such
PLAIN = 0.15  # share of photographs as they are
UNCHANGED = 0.08  # share that ends as it began, by way of another head, so that traces of rendering say nothing
BY_WAY = 0.2  # share of the others that goes by way of another head


@dataclass(frozen=True, eq=False)
class Sample:
    """A re-rendered photograph with its label."""

    image: Image  # [W, W, 3] wide crop
    coefficients: Float32s  # [M] in the frame of the canonical crop
    points: Float32s  # [P, 2] where it shows the face points, in sides of the canonical crop
    shape_weight: float  # 0 where the form is only what a fit to the photograph says
    photograph: int  # position in the training data
    split: int
    vertices: Float32s  # [V, 3] metres, the true head without expression and pose


@dataclass(frozen=True, eq=False)
class Renderer:
    """Makes samples, each by its number."""

    surface: Surface
    photographs: Photographs
    priors: Sequence[Prior]  # each is drawn from equally often
    size: int  # W
    seed: int

    def sample(self, number: int) -> Sample:
        """The sample of that number."""
        rng = np.random.default_rng((self.seed, number))
        index = self.photographs.choose(self._split(rng), rng)
        fitted, kind = self.photographs.fitted(index), rng.random()
        if kind < PLAIN:
            return self._sample(self._crop(index), self._rested(fitted), index)
        unchanged = kind < PLAIN + UNCHANGED
        photo = self._photographed(index, fitted)
        if unchanged or rng.random() < BY_WAY:
            photo = self._by_way(photo, self._place(fitted, self._head(rng), rng, FAR_TURNS))
        if unchanged:
            seen = self._seen(as_photographed(self.surface.model, fitted, self.size))
            return self._sample(rerender(photo, seen, self.surface), self._rested(fitted), index)
        head = self._head(rng)
        return self._with_head(photo, index, head, self._place(fitted, head, rng, FAR_TURNS))

    def with_head(
        self,
        index: int,
        head: NewHead,
        rng: np.random.Generator,
        *,
        far_turns: float = FAR_TURNS,
        expression: Floats | None = None,
    ) -> Sample:
        """The photograph at ``index`` with a head, an expression [E] or a random one, and a random pose.

        The share ``far_turns`` of the heads is turned to any pose.
        """
        fitted = self.photographs.fitted(index)
        placed = self._place(fitted, head, rng, far_turns, expression)
        return self._with_head(self._photographed(index, fitted), index, head, placed)

    def _split(self, rng: np.random.Generator) -> int:
        return VALIDATION if rng.random() < VALIDATION_SHARE and self.photographs.has(VALIDATION) else TRAIN

    def _crop(self, index: int) -> Image:
        data = self.photographs.data
        crop = data.folder.crop(int(data.rows[index]))
        return np.asarray(cv2.resize(crop, (self.size, self.size), interpolation=cv2.INTER_AREA), np.uint8)

    def _photographed(self, index: int, fitted: Coefficients) -> Photographed:
        seen = self._seen(as_photographed(self.surface.model, fitted, self.size))
        return Photographed.of(continued(self._crop(index)), seen, self.surface)

    def _head(self, rng: np.random.Generator) -> NewHead:
        return self.priors[int(rng.integers(len(self.priors)))].draw(rng)

    def _with_head(self, photo: Photographed, index: int, head: NewHead, placed: Placed) -> Sample:
        sample = self._sample(rerender(photo, self._seen(placed), self.surface), placed, index)
        truth = sample.vertices if head.added is None else sample.vertices + head.added.astype(np.float32)
        return replace(sample, shape_weight=1.0, vertices=truth)

    def _place(
        self,
        fitted: Coefficients,
        head: NewHead,
        rng: np.random.Generator,
        far_turns: float,
        expression: Floats | None = None,
    ) -> Placed:
        """A head with an expression [E] or a random one, in a random pose not too far from that of a photograph."""
        model = self.surface.model
        turn = draw_turn(np.asarray(model.rotation(fitted)), rng, far_turns)
        if expression is None:
            expression = draw_expression(model.expression_names, self.photographs.expressions, rng)
        wanted = fitted.replace(
            shape=head.shape,
            expression=expression,
            pose=np.concatenate([turn, np.zeros(len(fitted["pose"]) - 3)]),
        )
        return place(model, wanted, self.size, draw_distance(rng), head.added)

    def _by_way(self, photo: Photographed, placed: Placed) -> Photographed:
        """A photograph after its head has become a placed one."""
        seen = self._seen(placed)
        return Photographed.of(rerender(photo, seen, self.surface), seen, self.surface)

    def _seen(self, placed: Placed) -> Seen:
        return self.surface.seen(placed.vertices, placed.pixels)

    def _rested(self, fitted: Coefficients) -> Placed:
        """The head of a fit where the photograph shows it, with what expression all faces share in its shape."""
        return as_photographed(self.surface.model, self.photographs.rested(fitted), self.size)

    def _sample(self, image: Image, placed: Placed, index: int) -> Sample:
        """A sample whose label says nothing exact of the head's form."""
        data = self.photographs.data
        split = int(data.folder.split[data.rows[index]])
        label = placed.coefficients
        vertices = np.asarray(self.surface.model.neutral(label), np.float32)
        wide = placed.pixels[face_points(self.surface.model).vertices, :2]
        points = canonical_crop(self.size, 1).to_crop(wide).astype(np.float32)
        return Sample(image, label.values.astype(np.float32), points, 0.0, index, split, vertices)
