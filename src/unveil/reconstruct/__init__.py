"""From a photograph to heads, without torch.

`onnx` runs a learner, `pipeline` takes a photograph to frozen `result.Reconstruction` objects, `files` writes one
photograph's files, `batch` goes through many photographs and continues a stopped run, `doctor` checks an installation.
`heads` knows the head model of a layout, `deca` and `fine` what a second family needs, `relight` draws faces in other
light, `animate` moves them, `codes` and `decode` turn crops into coefficients and those into geometry.
"""

# Of the files per face; here the command line finds them at no cost.
FORMATS = ("glb", "obj", "ply", "npz")
DETAIL_FORMATS = ("detail", "maps")  # of models that give details of the skin
RELIT_FORMAT = "relit"
ALL_FORMATS = (*FORMATS, *DETAIL_FORMATS, RELIT_FORMAT)
