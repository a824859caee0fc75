"""Pure functions of arrays: rotations, cameras, meshes, rasterising. Knows no other room."""
