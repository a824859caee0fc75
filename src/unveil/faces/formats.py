"""The kinds of a face's files; here the command line finds them at no cost."""

FORMATS = ("glb", "obj", "ply", "npz")
DETAIL_FORMATS = ("detail", "maps")  # of models that give details of the skin
RELIT_FORMAT = "relit"
ALL_FORMATS = (*FORMATS, *DETAIL_FORMATS, RELIT_FORMAT)
MOTION_FORMATS = ("gif", "glb", "csv", "mp4")  # of a head that moves
OVERLAY, NUMBERS = "overlay", "json"  # kinds of files that are no formats
TEXTURES = ALBEDO, LIT = ("albedo", "lit")  # of a GLB; the first if nothing is said
