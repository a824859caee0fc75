"""Colours to sRGB, by the ICC profile in a picture's file: phones store Display P3, cameras Adobe RGB, presses inks."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import TypeAlias, cast

import numpy as np
from PIL import Image, ImageCms

LARGEST_PROFILE = 8 * 2**20  # bytes; those of presses have 2 or 3 million
MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # Pillow's mode by the signature of the profile's colour space
DEVICES = ("mntr", "scnr", "prtr", "spac")  # classes of profiles that say what a device's numbers look like
SAME = 2  # levels that rounding may change where a profile is sRGB under another name
LIGHT, DARK = 160, 96  # paper and ink come out beyond these, or the profile is damaged

ToSrgb: TypeAlias = Callable[[Image.Image], Image.Image]


@lru_cache(maxsize=8)
def srgb_transform(profile: bytes, mode: str) -> ToSrgb | None:
    """The transform of pictures of a mode, RGB, L or CMYK, to sRGB; None where they are to be taken as they are.

    That is so where the profile is sRGB itself, to within rounding, and where it cannot be right: damaged, of another
    colour space, or one in which white comes out dark or black comes out light.
    """
    if len(profile) > LARGEST_PROFILE:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        about = source.profile
        if MODES.get(about.xcolor_space) != mode or about.device_class not in DEVICES:
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        samples = _samples(mode)
        converted = np.asarray(_apply(transform, samples))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    plain = np.asarray(samples.convert("RGB")).astype(int)
    white, black = converted[plain.min(axis=-1) == 255], converted[plain.max(axis=-1) == 0]
    believable = white.min() > LIGHT and black.max() < DARK
    if not believable or (mode != "CMYK" and np.abs(converted - plain).max() <= SAME):
        return None
    return lambda picture: _apply(transform, picture)


def _apply(transform: ImageCms.ImageCmsTransform, picture: Image.Image) -> Image.Image:
    return cast("Image.Image", ImageCms.applyTransform(picture, transform))  # None only where asked for in place


def _samples(mode: str) -> Image.Image:
    """One row of colours from all over the cube, white and black among them."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    return Image.fromarray(cube).convert(mode)
