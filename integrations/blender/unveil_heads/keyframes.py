"""A take as keyframes of a head: of its shape keys, and of the bone that turns it."""

from itertools import pairwise

import bpy
from mathutils import Matrix

from .head import GLTF_TO_BLENDER, shape_keys_of
from .take import Take

AXES = ((0, 1, 0), (-1, 0, 0), (0, 0, 1))  # of yaw, pitch and roll, in glTF's frame
ROOT = "root"


def insert_take(armature: bpy.types.Object, take: Take, first: int = 1, *, turn: bool = True) -> int:
    """Insert keyframes from a frame of the scene on, and give back how many units the head has of the take's."""
    rate = bpy.context.scene.render.fps / bpy.context.scene.render.fps_base
    frames = [first + seconds * rate for seconds in take.seconds]
    keys = shape_keys_of(armature)
    known = {name: values for name, values in take.units.items() if name in keys}
    for name, values in known.items():
        _insert(keys[name].id_data, keys[name].path_from_id("value"), 0, frames, values)
    if turn and ROOT in armature.pose.bones:
        _turn(armature, frames, take.head)
    bpy.context.scene.frame_end = max(bpy.context.scene.frame_end, round(frames[-1]))
    return len(known)


def _turn(armature: bpy.types.Object, frames: list[float], head: list[tuple[float, float, float]]) -> None:
    bone = armature.pose.bones[ROOT]
    bone.rotation_mode = "QUATERNION"
    rest = bone.bone.matrix_local.to_3x3()
    turns = [(rest.inverted() @ _rotation(angles) @ rest).to_quaternion() for angles in head]
    for before, after in pairwise(turns):
        if before.dot(after) < 0:
            after.negate()  # the same turn, the short way
    for k in range(4):
        _insert(armature, bone.path_from_id("rotation_quaternion"), k, frames, [turn[k] for turn in turns])


def _rotation(angles: tuple[float, float, float]) -> Matrix:
    """In Blender's frame: first pitch, then yaw, then roll."""
    yaw, pitch, roll = (Matrix.Rotation(angle, 3, axis) for angle, axis in zip(angles, AXES, strict=True))
    return GLTF_TO_BLENDER @ (roll @ yaw @ pitch) @ GLTF_TO_BLENDER.inverted()


def _insert(owner: bpy.types.ID, path: str, index: int, frames: list[float], values: list[float]) -> None:
    """Keyframes of one number; Blender makes what an animation needs when it is given the first of them."""
    data = owner.animation_data_create()
    if data.action is None:
        data.action = bpy.data.actions.new(owner.name)
    curve = _curve(owner, data.action, path, index)
    curve.keyframe_points.clear()
    curve.keyframe_points.add(len(frames))
    curve.keyframe_points.foreach_set("co", [number for pair in zip(frames, values, strict=True) for number in pair])
    curve.update()


def _curve(owner: bpy.types.ID, action: bpy.types.Action, path: str, index: int) -> bpy.types.FCurve:
    """The curve of a number, which Blender 4.4 keeps in a slot, older ones in the action itself."""
    if hasattr(action, "fcurve_ensure_for_datablock"):
        return action.fcurve_ensure_for_datablock(owner, path, index=index)
    return action.fcurves.find(path, index=index) or action.fcurves.new(path, index=index)
