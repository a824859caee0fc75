"""From a photograph to heads, without torch.

`onnx` runs a learner, `pipeline` takes a photograph to frozen `result.Reconstruction` objects, `files` writes one
photograph's files, `batch` goes through many photographs and continues a stopped run, `doctor` checks an installation.
"""

FORMATS = ("glb", "obj", "ply", "npz")  # of the files per face; here the command line finds it at no cost
