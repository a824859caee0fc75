"""Colours by how they look: sRGB to CIELAB and back.

OpenCV has both, but takes 70 ms for its tables when it is first asked.
"""

from __future__ import annotations

import numpy as np

from unveil.typing import Float32s, Floats, Image

# Linear sRGB to XYZ in parts of the white D65 (IEC 61966-2-1).
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
TO_XYZ = (TO_XYZ / TO_XYZ.sum(axis=1, keepdims=True)).astype(np.float32)
TO_LINEAR = np.linalg.inv(TO_XYZ).astype(np.float32)
BEND = 6 / 29  # root of XYZ below which it is a straight line (CIE 15)


def to_linear(rgb: Floats) -> Float32s:
    """Linear sRGB [..., 3], in proportion to light, of encoded sRGB colours [..., 3], both from 0 to 1."""
    colours = np.asarray(rgb, np.float32)
    curve = ((np.maximum(colours, 0) + 0.055) / 1.055) ** 2.4
    return np.asarray(np.where(colours <= 0.04045, colours / 12.92, curve), np.float32)


def to_cielab(rgb: Image | Floats) -> Float32s:
    """CIELAB [..., 3], lightness from 0 to 100, of sRGB colours [..., 3] from 0 to 255."""
    xyz = to_linear(np.asarray(rgb, np.float32) / np.float32(255)) @ TO_XYZ.T
    root = np.where(xyz > BEND**3, np.cbrt(xyz), xyz / (3 * BEND**2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def to_srgb(lab: Floats) -> Float32s:
    """SRGB colours [..., 3] from 0 to 255 of CIELAB [..., 3]; what sRGB lacks becomes the nearest in each channel."""
    lightness, a, b = np.moveaxis(np.asarray(lab, np.float32), -1, 0)
    y = (lightness + 16) / 116
    root = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    linear = np.clip(np.where(root > BEND, root**3, 3 * BEND**2 * (root - 4 / 29)) @ TO_LINEAR.T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)
