"""How well hidden skin is completed: occluded photographs of people held out against their clear ones.

What is compared is the texture in the light of the photograph, at the texels of the face that the clear photograph
shows and the occluder hides. The head and the pixels that are hidden are given, so that nothing but the completion is
measured. All differences are of CIE L*a*b*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from tools.skin_space.photographs import Atlas, Photographed, photographs
from tools.skin_space.tone import TONES, tone_bin
from unveil import markdown
from unveil.appearance.fixed_texels import fixed_texels
from unveil.appearance.texture import BakedTexture, bake_texture
from unveil.drawing.render import texels
from unveil.evaluation.occluded_faces import Condition, conditions
from unveil.geometry.camera import to_pixels
from unveil.geometry.rasterize import rasterize
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.openhead.family import packaged_head
from unveil.occluders.base import Face
from unveil.occluders.head_surface import FaceMesh, HeadSurface
from unveil.training.crops.prepared import TEST, VALIDATION, PreparedFolder
from unveil.typing import Bools, Float32s, Image, Int64s

SIZE = 256  # texels a side
SEVERITY = 0.4  # of the face that is hidden
SPREADS = 2  # pixels around an occluder that it blurs
RING = 3  # texels from the edge of what is hidden
ENOUGH = 100  # hidden texels
SURELY = 0.99  # of a pixel of the drawn head that shows the face
SEEN = 64  # of 255: how well a texel is seen at least
REGIONS = {"lips": slice(48, 68), "brows": slice(17, 27), "eyes": slice(36, 48), "nose": slice(27, 36)}  # iBUG-68
REACH = 0.008  # metres around the landmarks of a region
HEADING = "## Skin behind occluders"
ABOUT = """`tools.skin_space measure` wrote this section. It takes photographs of people that nothing was learned from,
puts {} occluders over their faces, completes the textures, and compares the hidden texels of the face with the clear
photograph. The head, and which pixels are hidden, are given. What lies beyond the edge of a photograph is not seen
either.

- *flat* continues the colours around smoothly, to the typical colour of the skin.
- *lit mean* takes the mean skin of many people in the person's tone and light.
- *person*, which is what unveil does, adds what the visible skin says about how this face looks in this light.

Each cell: mean difference in CIE L*a*b* / SSIM of lightness / lightness step at the edge of the occluder / lightness of
completed skin minus the true one. Tones are those of the photographs."""

ABOUT_WHOLE = """The texture of the whole face, visible or not: difference between the one from the occluded
photograph and the one from the clear photograph, with the same method, in CIE L*a*b*:"""
ABOUT_DRAWN = """The head of the clear photograph, drawn with its texture over that photograph: mean difference
in CIE L*a*b* on visible skin of the face."""


@dataclass(frozen=True, eq=False)
class Score:
    """The outcome for one occluded photograph with one method."""

    tone: str
    kind: str
    method: str
    error: float  # mean difference of the hidden texels
    regions: Mapping[str, float]  # the same in parts of the face
    ssim: float  # of their lightness
    step: float  # mean lightness beyond the edge of the occluder less the true one
    bias: float  # the same for all that is hidden
    moved: float  # mean difference of the face's texture from that of the clear photograph with the same method
    off: float  # root mean square of the difference in grey levels
    told: float  # the same as the completion says it; NaN where it does not


@dataclass(frozen=True, eq=False)
class Rendered:
    """How well a head, drawn again with its texture, shows what its clear photograph does."""

    tone: str
    error: float  # mean difference of the pixels on visible skin of the face


def measure(folder: PreparedFolder, rows: Int64s, occluders: Path | None, seed: int) -> Iterator[Score | Rendered]:
    """Scores of photographs in some rows of a folder, with every kind of occluder and method."""
    model = packaged_head()
    assert model.skin is not None
    mean = replace(model, skin=replace(model.skin, variation=None))
    methods = {"flat": replace(model, skin=None), "lit mean": mean, "person": model}
    atlas = Atlas.of(model, SIZE)
    laid = [c for c in conditions(occluders, severities=(SEVERITY,)) if c.occluder is not None]
    surface, regions = HeadSurface.of(model), _regions(model)
    for photo, row in zip(photographs(folder, rows), rows, strict=True):
        if not photo.usable:
            continue
        face = face_of(photo, surface, model)
        baked = {name: bake_texture(photo.image, photo.projected, m, SIZE, photo.hidden) for name, m in methods.items()}
        clear = baked["person"]
        true, visible = _shown(photo, atlas)
        true, tone = np.where(visible[..., None], true, clear.lit), TONES[tone_bin(clear.light.tone)]
        yield Rendered(tone, _drawn_again(clear.lit, photo, model, regions["face"]))
        for condition in laid:
            image, hidden = covered(condition, photo, face, str(folder.names[row]), seed)
            still = _shown(replace(photo, image=image, hidden=hidden), atlas)[1]
            wanted = visible & ~still & regions["face"]
            ring = wanted & (cv2.dilate((visible & still).astype(np.uint8), np.ones((2 * RING + 1,) * 2)) > 0)
            for name, method in methods.items():
                occluded = bake_texture(image, photo.projected, method, SIZE, hidden)
                names = (tone, condition.stem, name)
                if wanted.sum() >= ENOUGH:
                    yield _score(true, (occluded, baked[name]), (wanted, ring), regions, names)


def held_out(folder: PreparedFolder, count: int) -> Int64s:
    """Rows of photographs that nothing was learned from: of test people, then of the validation split, one in turn."""
    rng = np.random.default_rng(0)
    splits = [rng.permutation(np.flatnonzero(folder.split == split)) for split in (TEST, VALIDATION)]
    _, first = np.unique(folder.person[splits[0]], return_index=True)
    of_people = splits[0][first][: count // 2]
    return np.concatenate([of_people, splits[1][: count - len(of_people)]])


def _shown(photo: Photographed, atlas: Atlas) -> tuple[Image, Bools]:
    """What a photograph shows of the head itself, as a texture [S, S, 3], and where that is."""
    colours, weight, _ = atlas.sample(photo, mirrored=False)
    size, texels = atlas.texels.size, atlas.texels.texels
    texture, seen = np.zeros((size * size, 3), np.uint8), np.zeros(size * size, np.bool_)
    texture[texels], seen[texels] = colours, weight > SEEN
    return texture.reshape(size, size, 3), seen.reshape(size, size)


def _score(
    true: Image,
    baked: tuple[BakedTexture, BakedTexture],
    parts: tuple[Bools, Bools],
    regions: Mapping[str, Bools],
    names: tuple[str, str, str],
) -> Score:
    (wanted, ring), (occluded, clear) = parts, baked
    shown, told, lit = _lab(true), _lab(occluded.lit), occluded.lit
    difference = np.linalg.norm(told - shown, axis=-1)
    lighter = (told - shown)[..., 0]
    within = {name: difference[wanted & where] for name, where in regions.items() if name != "face"}
    return Score(
        *names,
        error=float(difference[wanted].mean()),
        regions={name: float(values.mean()) for name, values in within.items() if len(values) >= ENOUGH // 4},
        ssim=float(_ssim(shown[..., 0], told[..., 0])[wanted].mean()),
        step=float(lighter[ring].mean()) if ring.any() else np.nan,
        bias=float(lighter[wanted].mean()),
        moved=float(np.linalg.norm(told - _lab(clear.lit), axis=-1)[regions["face"]].mean()),
        off=float(np.sqrt(((true.mean(axis=-1) - lit.mean(axis=-1))[wanted] ** 2).mean())),
        told=np.nan if occluded.deviation is None else _root_mean_square(occluded.deviation, wanted),
    )


def _drawn_again(lit: Image, photo: Photographed, model: MorphableModel, face: Bools) -> float:
    raster = rasterize(photo.projected, model.faces, *photo.image.shape[:2])
    on_face = texels(raster, face.astype(np.float32)[..., None], model.uv, model.uv_faces)
    skin = raster.covered & (on_face.reshape(raster.covered.shape) > SURELY) & ~photo.hidden
    drawn = np.asarray(texels(raster, lit, model.uv, model.uv_faces))
    return float(np.linalg.norm(_lab(drawn) - _lab(photo.image), axis=-1)[skin].mean())


def _root_mean_square(deviation: Float32s, wanted: Bools) -> float:
    every = len(wanted) // len(deviation)
    at = wanted[every // 2 :: every, every // 2 :: every]
    return float(np.sqrt((deviation[at] ** 2).mean())) if at.any() else np.nan


def _lab(texture: Image) -> Float32s:
    return np.asarray(cv2.cvtColor(texture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def _ssim(a: Float32s, b: Float32s) -> Float32s:
    """Structural similarity [S, S] of two pictures of lightness from 0 to 100 (Wang et al. 2004)."""
    (mean_a, mean_b), (aa, bb, ab) = (
        [cv2.GaussianBlur(x, (11, 11), 1.5) for x in values] for values in ((a, b), (a * a, b * b, a * b))
    )
    first, second = 1.0, 9.0  # (0.01 * 100)^2 and (0.03 * 100)^2
    variances = aa - mean_a**2 + bb - mean_b**2
    above = (2 * mean_a * mean_b + first) * (2 * (ab - mean_a * mean_b) + second)
    return np.asarray(above / ((mean_a**2 + mean_b**2 + first) * (variances + second)), np.float32)


def _regions(model: MorphableModel) -> dict[str, Bools]:
    """The texels [S, S] of the face's skin and of parts of it."""
    fixed = fixed_texels(model, SIZE)
    assert model.skin is not None
    template = np.asarray(model.head.template)
    marks = np.asarray(model.landmarks68(template))
    points = np.einsum("nk,nkc->nc", fixed.mesh[1], template[fixed.faces[fixed.mesh[0]]])
    face = (fixed.face[fixed.faces[fixed.mesh[0]]] > 0).all(axis=1) & _of(
        model.skin.certainty, fixed.atlas.texels.texels
    )
    found = {"face": face}
    for name, landmarks in REGIONS.items():
        away = np.linalg.norm(points[:, None] - marks[landmarks], axis=2).min(axis=1)
        found[name] = face & (away < REACH)
    return {name: _map(rows, fixed.atlas.texels.texels) for name, rows in found.items()}


def _of(certainty: Float32s, texels: Int64s) -> Bools:
    return np.asarray(certainty.ravel()[texels] > 0.5)


def _map(rows: Bools, texels: Int64s) -> Bools:
    picture = np.zeros(SIZE * SIZE, np.bool_)
    picture[texels] = rows
    return picture.reshape(SIZE, SIZE)


def covered(condition: Condition, photo: Photographed, face: Face, name: str, seed: int) -> tuple[Image, Bools]:
    laid = condition.apply(photo.image, face, name, seed)
    reach = np.ones((2 * SPREADS + 1,) * 2)
    return laid.image, (cv2.dilate(laid.mask.astype(np.uint8), reach) > 0) | photo.hidden


def face_of(photo: Photographed, surface: HeadSurface, model: MorphableModel) -> Face:
    coefficients = Coefficients(photo.coefficients.layout, photo.coefficients.values[None])
    (mesh,) = surface.place(coefficients, photo.crop.size)
    marks = model.contour68(model.vertices(coefficients), coefficients)
    marks = to_pixels(model.project(marks, coefficients), photo.crop.size)[0]
    flat = mesh.points.reshape(-1, 3)
    points = np.concatenate([photo.crop.to_image(flat[:, :2]), flat[:, 2:] / photo.crop.scale], axis=1)
    in_photo = FaceMesh(surface, points.reshape(mesh.points.shape), mesh.rotation, mesh.scale / photo.crop.scale)
    return Face.of(photo.crop.to_image(marks[:, :2]), in_photo)


def section(scores: Sequence[Score], drawn: Sequence[Rendered]) -> str:
    """The section of the page of results: the means by kind of occluder, by tone, and in parts of the face."""
    methods = list(dict.fromkeys(score.method for score in scores))
    lines = [HEADING, "", ABOUT.format(len(scores) // len(methods)), ""]
    lines += [*_table(scores, methods, "kind"), "", *_table(scores, methods, "tone"), ""]
    lines += ["Error in parts of the face:", "", *markdown.header(["part", *methods])]
    for part in REGIONS:
        means = [np.mean([s.regions[part] for s in scores if s.method == m and part in s.regions]) for m in methods]
        lines.append(markdown.row([part, *(f"{mean:.1f}" for mean in means)]))
    of_person = [score for score in scores if score.method == methods[-1]]
    off, told = (np.sqrt(np.nanmean([getattr(score, what) ** 2 for score in of_person])) for what in ("off", "told"))
    grey = f"With *person*, grey levels are off by {off:.1f} (root mean square); `texture_deviation` says {told:.1f}."
    lines += ["", grey, "", ABOUT_WHOLE, "", *_whole(scores, methods), "", ABOUT_DRAWN, "", *_drawn(drawn)]
    return "\n".join(lines) + "\n"


def with_section(page: str, text: str) -> str:
    """A page of Markdown with its section on skin, the last, replaced or added."""
    return page.split(HEADING, maxsplit=1)[0].rstrip() + "\n\n" + text


def _table(scores: Sequence[Score], methods: Sequence[str], by: str) -> list[str]:
    """Error, SSIM, step at the edge and bias, with its sign in brackets, of each group and method."""
    groups = sorted({getattr(score, by) for score in scores}, key=lambda g: (TONES.index(g) if g in TONES else 0, g))
    lines = markdown.header([by, *methods, "photographs"])
    for group in [*groups, "**all**"]:
        of_group = [score for score in scores if group in ("**all**", getattr(score, by))]
        cells = []
        for method in methods:
            own = [score for score in of_group if score.method == method]
            error, ssim, bias = (np.mean([getattr(score, what) for score in own]) for what in ("error", "ssim", "bias"))
            step = np.nanmean([abs(score.step) for score in own])
            cells.append(f"{error:.1f} / {ssim:.3f} / {step:.1f} / {bias:+.1f}")
        lines.append(markdown.row([group, *cells, len(of_group) // len(methods)]))
    return lines


def _whole(scores: Sequence[Score], methods: Sequence[str]) -> list[str]:
    lines = markdown.header(["kind", *methods])
    for kind in [*sorted({score.kind for score in scores}), "**all**"]:
        of_kind = [score for score in scores if kind in ("**all**", score.kind)]
        means = [np.mean([score.moved for score in of_kind if score.method == method]) for method in methods]
        lines.append(markdown.row([kind, *(f"{mean:.1f}" for mean in means)]))
    return lines


def _drawn(drawn: Sequence[Rendered]) -> list[str]:
    lines = markdown.header(["tone", "difference", "photographs"])
    for tone in [*(tone for tone in TONES if any(one.tone == tone for one in drawn)), "**all**"]:
        errors = [one.error for one in drawn if tone in ("**all**", one.tone)]
        lines.append(markdown.row([tone, f"{np.mean(errors):.1f}", len(errors)]))
    return lines
