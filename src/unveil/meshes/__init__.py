"""Meshes from and to files: GLB, OBJ, PLY, and maps in texture coordinates."""
