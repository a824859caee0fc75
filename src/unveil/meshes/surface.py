"""Everything that a writer of meshes needs besides the vertices."""

from __future__ import annotations

from typing import Protocol

from unveil.geometry.rotation import Array


class TexturedSurface(Protocol):
    """Triangles and their texture coordinates, as head models and detailed meshes have them."""

    @property
    def name(self) -> str:
        """Of the model it belongs to."""

    @property
    def credit(self) -> str:
        """Who made the model, for a file's copyright note; empty where that is for the user to say."""

    @property
    def faces(self) -> Array:
        """[F, 3] vertex indices, counter-clockwise seen from outside."""

    @property
    def uv(self) -> Array:
        """[T, 2] texture coordinates, v up."""

    @property
    def uv_faces(self) -> Array:
        """[F, 3] rows of ``uv`` for the corners of each triangle."""
