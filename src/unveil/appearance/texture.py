"""The texture of a head from one photograph: what the camera saw, its mirror image, and the skin that is expected.

The light of the photograph is found first and divided out. What remains is albedo, which can be compared: the two sides
of a face match, and so do the photograph and what is known about skin in general. Whatever hides the face is taken for
skin unless the caller says where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.appearance.atlas import Atlas, is_small
from unveil.appearance.eyes import EVENLY, WHITE, paint_eyes
from unveil.appearance.fixed_texels import FixedTexels, colours_at_vertices, fixed_texels, means
from unveil.appearance.grain import quilted_grain
from unveil.appearance.light import ENOUGH, GAMMA, SkinLight, SkinSamples, even_light, fit_skin_light
from unveil.appearance.mouth import onto_teeth, without_teeth
from unveil.appearance.parts import paint_parts, tone_of_teeth
from unveil.appearance.person import SeenSkin, face_as_photographed
from unveil.appearance.sides import EXPECTED_PULL, SIDES_PULL, also_hidden, missing
from unveil.appearance.texel_kernels import compare, compose, merge, shade
from unveil.appearance.view import Looked, Sampled, View, look_at
from unveil.geometry.diffuse import diffuse
from unveil.heads.model import MorphableModel
from unveil.processes import begun
from unveil.reprs import short_repr
from unveil.typing import Bools, Float32s, Floats, Image, Ints

NOBODY = np.array([150, 118, 102], dtype=np.float32)  # RGB of skin where nothing at all is seen
# How closely the completion follows what is seen, rather than be smooth: on skin, and elsewhere.
SKIN_PULL, COLOUR_PULL = 50.0, 3.0
# Metres from what is seen over which the completion returns to the expected skin in the person's tone: where the model
# knows what skin looks like, and where it expects one colour.
SKIN_REACH, TONE_REACH = 0.018, 0.015
STRAYS = 0.12  # relative difference from the expected skin at which doubted skin is half believed
# RGB of the inside of cavities that nothing sees, in mean grey levels of the head: dark and reddish.
INSIDE = np.array([0.32, 0.13, 0.11], dtype=np.float32)
# Mean coverage of the texels around a vertex between which trust in them grows from none to full. What is seen in
# slivers, as in the folds of an ear, is as likely hair or wall.
SLIVER, SEEN_WELL = 0.1, 0.5
CERTAINTY = 1.5  # exponent of that coverage in the weight of a vertex for what is not seen around it
FILLED = 0.4  # share that is given back of the brightness that lids in a fold lack; open eyes keep some of its shadow
DARKEST, MOST = 8.0, 1.0  # least grey level, and largest logarithm, by which a person's skin differs from usual skin
CALIBRATED = 1.18  # errors of guessed skin, by the deviation of people's skin (`tools.skin_space measure`)
EVERY = 4  # the deviation is told for one of so many texels, and rows


@dataclass(frozen=True, eq=False)
class BakedTexture:
    """The texture of a head with and without the light of the photograph; first rows at v = 1."""

    lit: Image  # [S, S, 3] RGB, as the photograph shows the head
    albedo: Image  # [S, S, 3] RGB of the skin without light, on the whole as bright as in the photograph
    light: SkinLight  # in the frame of the photograph: x to the right, y up, z to the camera
    # [S / 4, S / 4] standard deviation in grey levels, zero where the photograph shows the texel; None for a model that
    # does not know how skin varies.
    deviation: Float32s | None
    _atlas: Atlas
    _shown: Bools  # [N] which texels are mostly the photograph
    __repr__ = short_repr

    @cached_property
    def seen(self) -> Bools:
        """Where [S, S] the texture is mostly the photograph."""
        return self._atlas.flags(self._shown)


def bake_texture(
    image: Image,
    projected: Floats,
    model: MorphableModel,
    size: int = 1024,
    hidden: Callable[[], Bools] | Bools | None = None,
) -> BakedTexture:
    """The texture of a head in a photograph.

    A texel takes the first of these that it can:

    1. the photograph's pixel, where the camera sees the point;
    2. the pixel of the mirrored point, in the light of this side, where the camera sees that, or sees it better;
    3. the skin that is expected there, in the person's tone. How the seen skin around differs from what is expected of
       it is continued smoothly over the surface, and added.

    Eyeballs are painted, in the colours that are seen of them. So are teeth, tongue and lashes, where the model has
    them, in the light of the photograph.

    Args:
        image: the photograph, uint8 RGB [H, W, 3].
        projected: [V, 3] vertices in pixels of the image and a depth in pixels, smaller is nearer.
        model: gives faces, texture coordinates, mirrored vertices and what is expected of skin.
        size: texels per side. Where the head is small in the photograph (`atlas.is_small`), all but the eyes is
            computed at half as many and enlarged.
        hidden: [H, W] pixels of the image that do not show the head, such as those of an occluder; or a function that
            gives them, which is called late, so that another thread can be finding them.
    """
    fixed = fixed_texels(model, size, halved=is_small(projected, size))
    view = View.of(image, np.asarray(projected, dtype=np.float64), model.faces, size)
    if fixed.painted is None:  # the model has no teeth
        view = replace(view, points=onto_teeth(view.points, model, fixed.mouth))
    looks = look_at(view, fixed.mesh), look_at(view, fixed.mesh, model.mirror_vertices)
    view = view.without(hidden() if callable(hidden) else hidden)
    skin = view if fixed.painted is None else without_teeth(view, model)
    light, gain, (colour, coverage), mostly_own, sums, whole = _looked_at(skin, looks, model, fixed)
    grain = begun(_grain, colour, coverage, fixed)

    # The albedo that is expected at each vertex: of usual skin in the person's tone, and of this person.
    tone = (255 * light.tone ** (1 / GAMMA)).astype(np.float32)
    usual = fixed.skin.usual * tone
    mean, known = means(sums, fixed)
    own = usual * _of_person(whole, usual * gain, model, fixed)

    # What is seen is believed where the head is expected and where it looks like its skin. Its difference from that is
    # continued to where nothing is seen: ``shift`` is what to add to usual skin.
    doubt = _doubt(known, view.near_hidden(), fixed)
    trust = fixed.expected * _believed(mean, own, doubt)
    shift, level = _completion(mean - own, own, known**CERTAINTY * trust, fixed)
    shift += own - usual
    shift += _lids_lack(usual, usual + shift, fixed)
    shift += (usual + shift) * (fixed.ears - 1)
    # Slivers are not believed, except inside the mouth, where teeth are seen through a slit.
    trust *= 1 - fixed.openness * (1 - _seen_well(known))
    expected = (fixed.skin.detail, grain(), tone, shift)
    albedo, lit, trusted = compose(fixed.mesh, (colour, coverage), (trust, doubt), expected, gain)

    white = paint_eyes(albedo, fixed.eyes, _eyes_seen(coverage, known, fixed), level)
    shade(fixed.mesh, fixed.eyes.texels, albedo, gain, lit)
    bright = begun(fixed.atlas.texture, lit)
    without, in_light = fixed.atlas.texture(albedo), bright()
    if fixed.painted is not None:
        teeth = tone_of_teeth(view, model, level, fixed.painted.front_tooth)
        paint_parts((in_light, without), fixed.painted, white / WHITE, teeth, level)
    deviation, shown = _deviation(without, coverage * trusted, model, fixed), trusted * mostly_own > 0.5
    return BakedTexture(in_light, without, light, deviation, fixed.atlas, shown)


class _Seen(NamedTuple):
    """What a photograph shows of a head, at each point or at its mirrored point."""

    light: SkinLight
    gain: Float32s  # [V, 3] of the light
    shown: tuple[Float32s, Float32s]  # albedo [N, 3] of the texels, and how far it is as good as seen [N]
    own: Float32s  # [N] the same by the point itself alone, 0 where the mirrored point is seen better
    sums: Float32s  # [V, 4] of what is shown, as `texel_kernels.gather` gives them
    whole: Float32s | None  # [K, 3] the face as photographed if nothing hid it, at the vertices of a `SkinVariation`


def _looked_at(view: View, looks: tuple[Looked, Looked], model: MorphableModel, fixed: FixedTexels) -> _Seen:
    """Both looks at a head, at its texels and at their mirrored points, without their light and joined to one."""
    own, other = (look.through(view.free) for look in looks)
    variation = None if model.skin is None else model.skin.variation
    whole = guessed = None
    if variation is not None:
        at = variation.vertices
        area = fixed.face[at] / fixed.face[at].max()
        shown, seen = (values[at] for values in colours_at_vertices(own, fixed))
        whole = 255 * face_as_photographed(SeenSkin(shown / np.float32(255), seen, area, view.normals[at]), variation)
        guessed = SkinSamples(whole, 255 * fixed.skin.usual[at], view.normals[at], (1 - seen) * area / area.sum())
    light = _light(own, guessed, view, fixed)
    gain = light.gain(view.normals)
    mean, known = means(compare(fixed.mesh, own, other, (gain, gain[model.mirror_vertices])), fixed)
    sides = mean, SIDES_PULL * known
    if variation is not None and whole is not None:
        strays, trust = np.zeros_like(gain), np.zeros(len(gain), np.float32)
        strays[at], trust[at] = (shown - whole) / gain[at], _seen_well(seen)
        expected = whole / gain[at] + _continued(strays, trust, fixed)[at]
        follow = EXPECTED_PULL * (fixed.skin.sure * (1 - trust))[at]
        sides = also_hidden(sides, other, (at, expected, follow), fixed)
    lack = missing(*sides, fixed)
    for mirrored, here in zip(other, own, strict=True):
        mirrored[fixed.eyes.texels] = here[fixed.eyes.twin]  # eyes do not look in mirrored directions
    colour, coverage, mostly_own, sums = merge(fixed.mesh, own, other, lack)
    return _Seen(light, gain, (colour, coverage), mostly_own, sums, whole)


def _light(own: Sampled, guessed: SkinSamples | None, view: View, fixed: FixedTexels) -> SkinLight:
    """The light that, with the person's tone, best explains how skin looks in the photograph.

    An occluder hides skin, but not the light that falls on it: ``guessed`` is how the hidden skin would look, weighted
    by its share of the face's surface.
    """
    skin = fixed.skin
    colours, weight = own.colour[skin.samples], own.weight[skin.samples] * skin.trust
    if not skin.known:
        return even_light(np.median(colours[weight > 0], axis=0) if np.count_nonzero(weight) > ENOUGH else NOBODY)
    normals = _at_texels(view.normals, skin.samples, fixed)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-6))
    shown = SkinSamples(colours, 255 * skin.detail[skin.samples], normals, weight)
    if guessed is not None:
        shown = shown.joined(replace(guessed, weight=guessed.weight * skin.trust.sum()))
    return fit_skin_light(shown, (view.normals, fixed.face), NOBODY)


def _of_person(whole: Float32s | None, usual: Float32s, model: MorphableModel, fixed: FixedTexels) -> Float32s:
    """Factors [V, 3] from ``usual`` skin [V, 3] in the light of a photograph to the face there, if nothing hid it."""
    if whole is None or model.skin is None or model.skin.variation is None:
        return np.ones_like(usual)
    at = model.skin.variation.vertices
    logarithms, pull = np.zeros_like(usual), np.zeros(len(usual), np.float32)
    logarithms[at] = np.clip(np.log(np.maximum(whole, DARKEST) / np.maximum(usual[at], DARKEST)), -MOST, MOST)
    pull[at] = SKIN_PULL * fixed.skin.sure[at]
    return np.exp(diffuse(logarithms, pull, fixed.neighbours, np.zeros(3))).astype(np.float32)


def _grain(colour: Float32s, coverage: Float32s, fixed: FixedTexels) -> Float32s:
    """Factors [N] of the expected skin that give it the fine structure of the person's own."""
    factors, plain = np.ones(len(coverage), np.float32), fixed.skin.plain
    grain = None if plain is None else quilted_grain(colour, coverage, plain)
    if grain is not None and plain is not None:
        factors[plain.rows] = grain
    return factors


def _doubt(known: Float32s, near: Float32s, fixed: FixedTexels) -> Float32s:
    """How likely [V] it is, from 0 to 1, that a photograph shows something else where skin is expected.

    Beside the face this may be hair or a collar, beside an occluder its edge, and where little is seen, as in the folds
    of an ear and along the outline, the background. Where there is doubt, only what looks like skin is believed.

    Args:
        known: [V] the share that the photograph shows.
        near: [V] how near to an occluder it is, 0 to 1.
        fixed: what is fixed for the head model.
    """
    skin = fixed.skin.area > 0
    doubt = np.maximum(np.maximum(1 - fixed.skin.bare, near), 1 - known)
    return np.asarray(doubt * skin if fixed.skin.known else 0 * doubt, np.float32)


def _believed(mean: Float32s, own: Float32s, doubt: Float32s) -> Float32s:
    """How far [V] to believe that seen colours ``mean`` [V, 3] are skin like ``own`` [V, 3], given the doubt [V]."""
    strays = mean / np.maximum(own, 1) - 1
    alike = 1 / (1 + ((strays**2).mean(axis=1) / STRAYS**2) ** 2)
    return np.asarray(1 - doubt * (1 - alike), np.float32)


def _lids_lack(usual: Float32s, guessed: Float32s, fixed: FixedTexels) -> Float32s:
    """What to add [V, 3] to the guess [V, 3] for lids in a fold, where it is darker than ``usual`` lids [V, 3].

    It is too dark because it continues what is seen around the fold: lashes, brows and the shadow between.
    """
    lack = np.maximum(0, 1 - (guessed @ EVENLY) / np.maximum(usual @ EVENLY, 1))
    return np.asarray(usual * (FILLED * fixed.folded * lack)[:, None], np.float32)


def _deviation(albedo: Image, shown: Float32s, model: MorphableModel, fixed: FixedTexels) -> Float32s | None:
    """The deviation of a `BakedTexture` with this albedo [S, S, 3]; ``shown`` [N] is how far it is the photograph."""
    if model.skin is None:
        return None
    texels = fixed.atlas.texels
    share = np.ones(texels.size**2, np.float32)
    share[texels.texels] = shown[: fixed.atlas.in_map]
    guessed = 1 - _sparse(share.reshape(texels.size, -1), EVERY * texels.size // len(albedo))
    relative = cv2.resize(
        np.asarray(model.skin.deviation, np.float32), guessed.shape[::-1], interpolation=cv2.INTER_AREA
    )
    return np.asarray(CALIBRATED * relative * guessed * (_sparse(albedo, EVERY) @ EVENLY), np.float32)


def _sparse(picture: NDArray[Any], every: int) -> NDArray[Any]:
    """Every so many texels and rows of a picture [S, S, ...]."""
    return picture[every // 2 :: every, every // 2 :: every]


def _eyes_seen(coverage: Float32s, known: Float32s, fixed: FixedTexels) -> Float32s:
    """How far [K] the texels of the eyes are seen, fading towards the lids."""
    texels = fixed.eyes.texels
    seen = coverage[texels]
    some = np.flatnonzero(seen)
    seen[some] *= _at_texels(_seen_well(known)[:, None], texels[some], fixed)[:, 0]
    return seen


def _seen_well(known: Float32s) -> Float32s:
    return np.asarray(np.clip((known - SLIVER) / (SEEN_WELL - SLIVER), 0, 1), dtype=np.float32)


def _completion(strays: Float32s, usual: Float32s, known: Float32s, fixed: FixedTexels) -> tuple[Float32s, float]:
    """What to add [V, 3] to the expected albedo where it is not seen, and the mean grey level of the head.

    Args:
        strays: [V, 3] what is seen minus what is expected.
        usual: [V, 3] what is expected.
        known: [V] how well each vertex is seen.
        fixed: what is fixed for the head model.
    """
    shift = _continued(strays, known, fixed)
    level = float((usual + shift)[fixed.openness == 1].mean())
    closed = 1 - fixed.openness[:, None]
    return np.asarray(shift + closed * (INSIDE * level - usual - shift), dtype=np.float32), level


def _continued(strays: Float32s, known: Float32s, fixed: FixedTexels) -> Float32s:
    """A smooth continuation [V, 3] of differences [V, 3], ``known`` [V] so well; on skin it soon falls to zero."""
    # On a mesh with six edges at a vertex, a pull of area / reach^2 to zero ends a continuation after about ``reach``.
    reach = SKIN_REACH if fixed.skin.known else TONE_REACH
    follow = COLOUR_PULL + fixed.skin.bare * (SKIN_PULL - COLOUR_PULL) * fixed.skin.known
    pull = follow * known + fixed.skin.area / reach**2 * (1 - known)
    target = (follow * known)[:, None] * strays / np.maximum(pull, np.float32(1e-6))[:, None]
    return diffuse(target, pull, fixed.neighbours, np.zeros(3))


def _at_texels(values: Float32s, rows: Ints, fixed: FixedTexels) -> Float32s:
    """Values [V, C] of the vertices, interpolated at some of the texels [K, C]."""
    triangle, barycentric, faces = fixed.mesh
    return np.asarray(np.einsum("nk,nkc->nc", barycentric[rows], values[faces[triangle[rows]]]), np.float32)
