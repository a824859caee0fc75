"""Meshes to files: OBJ, PLY, GLB."""
