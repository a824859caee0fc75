"""Heads of unveil in Blender: File > Import > unveil head, a switch for the hair, and takes as keyframes."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from .head import KEY, import_head, is_hair, meshes_of, show_hair
from .keyframes import insert_take
from .take import RATE, read_take


class IMPORT_SCENE_OT_unveil_head(bpy.types.Operator, ImportHelper):
    """Import a head that unveil wrote, with its materials, its hair and what is known of each vertex."""

    bl_idname = "import_scene.unveil_head"
    bl_label = "Import unveil head"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb", options={"HIDDEN"})

    def execute(self, context):
        return _reported(self, lambda: import_head(Path(self.filepath)))


class IMPORT_ANIM_OT_unveil_take(bpy.types.Operator, ImportHelper):
    """Let a take of Live Link Face drive the chosen head."""

    bl_idname = "import_anim.unveil_take"
    bl_label = "Import take of Live Link Face"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv", options={"HIDDEN"})
    rate: FloatProperty(
        name="Timecode rate", default=RATE, min=1, description="Frames that timecodes count in a second"
    )
    turn: BoolProperty(name="Turn the head", default=True)

    @classmethod
    def poll(cls, context):
        return head_in(context) is not None

    def execute(self, context):
        first = context.scene.frame_current
        return _reported(self, lambda: self._insert(head_in(context), first))

    def _insert(self, armature, first):
        if not insert_take(armature, read_take(Path(self.filepath), self.rate), first, turn=self.turn):
            raise ValueError("the head has none of ARKit's units")


class VIEW3D_PT_unveil(bpy.types.Panel):
    """What there is to switch on a head."""

    bl_label = "unveil head"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "unveil"

    @classmethod
    def poll(cls, context):
        return head_in(context) is not None

    def draw(self, context):
        armature = head_in(context)
        if any(map(is_hair, meshes_of(armature))):
            self.layout.prop(armature, "unveil_hair")
        self.layout.operator(IMPORT_ANIM_OT_unveil_take.bl_idname)


def head_in(context):
    """The head that the active object is, or belongs to."""
    one = context.object
    while one is not None and KEY not in one:
        one = one.parent
    return one


def _reported(operator, action):
    try:
        action()
    except (OSError, ValueError, RuntimeError) as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    return {"FINISHED"}


def _in_menu(menu, context):
    menu.layout.operator(IMPORT_SCENE_OT_unveil_head.bl_idname, text="unveil head (.glb)")


CLASSES = (IMPORT_SCENE_OT_unveil_head, IMPORT_ANIM_OT_unveil_take, VIEW3D_PT_unveil)


def register():
    for one in CLASSES:
        bpy.utils.register_class(one)
    bpy.types.Object.unveil_hair = BoolProperty(
        name="Hair", default=True, update=lambda armature, context: show_hair(armature, armature.unveil_hair)
    )
    bpy.types.TOPBAR_MT_file_import.append(_in_menu)


def unregister():
    bpy.types.TOPBAR_MT_file_import.remove(_in_menu)
    del bpy.types.Object.unveil_hair
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
