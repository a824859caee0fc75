"""The forms of what is worn on heads: how far it stands off, where it ends, and what hangs or sticks out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from unveil.geometry.smooth_step import smooth_step
from unveil.occluders.head_surface import towards
from unveil.occluders.headwear.around import HeadAround
from unveil.typing import Float32s, Float64s, Floats

SHOULDERS = 0.32  # metres below the nose to which what hangs reaches
LOWEST_BRIM = 0.035  # metres below its rim to which a brim falls, or nobody would see out from under it


class Brim(NamedTuple):
    """A stiff sheet that sticks out from the rim."""

    azimuth: Float64s  # [B] degrees around the head
    width: Float64s  # [B] metres
    slope: float  # how far it falls on its way out, in its width
    droop: float  # how much lower its sides are than its middle


@dataclass(frozen=True, eq=False)
class Headwear:
    """A piece of headwear fitted to one head."""

    head: HeadAround
    points: Float64s  # [R, C, 3] metres along the head's axes, from the centre of its grid
    front: tuple[float, float]  # degrees of elevation of its edge in front: at the size 0, and at 1
    tilt: float  # slope of the rim, which is higher in front than behind
    peak: float = 0.0  # degrees by which the rim is higher in the middle of the forehead
    opening: tuple[float, float, float] | None = None  # degrees: half width at the size 0 and at 1, and lower end
    notch: float = 0.0  # degrees: half the width of an arch in the rim in front
    brim: Brim | None = None

    def edge(self, size: float) -> float:
        """Elevation of the edge in front at a size."""
        return self.front[0] + (self.front[1] - self.front[0]) * size

    def rim(self, size: float) -> Float64s:
        """Elevation [C] of the rim in every column: where a plane, which meets the skin in front, cuts the form."""
        elevation = self.head.elevation
        middle = len(self.head.azimuth) // 2
        height = self.points[..., 1] - self.tilt * self.points[..., 2]
        ahead = self.head.points[:, middle, 1] - self.tilt * self.points[:, middle, 2]
        start = float(np.interp(-self.edge(size), -elevation, ahead))
        below = height < start
        row = np.clip(below.argmax(axis=0), 1, None)
        column = np.arange(height.shape[1])
        upper, lower = height[row - 1, column], height[row, column]
        part = (upper - start) / np.maximum(upper - lower, 1e-9)
        rim = elevation[row - 1] + np.clip(part, 0, 1) * (elevation[row] - elevation[row - 1])
        return np.asarray(rim + self.peak * np.clip(1 - np.abs(self.head.azimuth) / 50, 0, 1))

    def distance(self, azimuth: Float32s, elevation: Float32s, size: float) -> Float32s:
        """How far outside its edge places [...], in degrees, are."""
        if self.opening is not None:
            wide, narrow, bottom = self.opening
            half, top = wide + (narrow - wide) * size, self.edge(size)
            middle, tall = (top + bottom) / 2, (top - bottom) / 2
            inside = np.abs(azimuth / half) ** 2.3 + np.abs((elevation - middle) / tall) ** 2.3
            return np.asarray((1 - inside ** (1 / 2.3)) * min(half, tall), np.float32)
        rim = np.interp(azimuth, self.head.azimuth, self.rim(size))
        outside = rim - elevation
        if self.notch:
            arch = self.notch - np.hypot(azimuth, (elevation - rim) * 1.3)
            outside = np.maximum(outside, arch)
        return np.asarray(outside, np.float32)

    def brim_sheet(self, size: float) -> tuple[Float64s, Float64s, Float64s] | None:
        """Points [N, B, 3] of the brim, and its coordinates [N, B]: out, 0 to 1, and around in degrees."""
        if self.brim is None:
            return None
        azimuth, width, slope, droop = self.brim
        elevation = np.interp(azimuth, self.head.azimuth, self.rim(size))
        start = self.at(azimuth, elevation + 1.5)
        out = np.linspace(0, 1, 7)[:, None]
        level = towards(azimuth, np.zeros_like(azimuth))
        points = start + (out * width)[..., None] * level
        fall = slope * out * width + droop * out * np.sin(np.radians(azimuth)) ** 2
        points[..., 1] -= fall + self.tilt * 0.5 * out * width * -np.cos(np.radians(azimuth))
        return points, out + 0 * azimuth, azimuth + 0 * out

    def at(self, azimuth: Floats, elevation: Floats) -> Float64s:
        """Points [N, 3] of the form in directions in degrees."""
        columns = np.interp(azimuth, self.head.azimuth, np.arange(len(self.head.azimuth)))
        rows = np.interp(-elevation, -self.head.elevation, np.arange(len(self.head.elevation)))
        column, row = columns.astype(int), np.minimum(rows.astype(int), len(self.head.elevation) - 2)
        following = np.minimum(column + 1, len(self.head.azimuth) - 1)
        x, y = (columns - column)[:, None], (rows - row)[:, None]
        upper = self.points[row, column] * (1 - x) + self.points[row, following] * x
        lower = self.points[row + 1, column] * (1 - x) + self.points[row + 1, following] * x
        return np.asarray(upper * (1 - y) + lower * y)


def _over_hair(head: HeadAround, hair: tuple[float, float], base: float) -> Float64s:
    """Metres [R, C] above the skin of something that lies at a distance above it, or above hair of a given height."""
    high = smooth_step(head.elevation, 38, 72)[:, None]
    beside = smooth_step(np.abs(head.azimuth), 45, 85) * smooth_step(head.elevation, -30, 10)[:, None]
    return base + hair[0] * high + hair[1] * beside * (1 - high)


def beanie(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A knitted hat: close, or hanging over behind."""
    points = head.stretched(_over_hair(head, hair, rng.uniform(0.006, 0.011)))
    slouch = rng.uniform(0, 0.05) if rng.random() < 0.5 else 0.0
    loose = smooth_step(head.elevation, 45, 85)[:, None, None]
    points = points + slouch * loose * np.array([0, rng.uniform(0.3, 1), -rng.uniform(0, 1)])
    return Headwear(head, points, (58.0, rng.uniform(40, 52)), float(np.tan(np.radians(rng.uniform(18, 46)))))


def cap(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A cap with a brim in front, now and then worn the other way around."""
    base = rng.uniform(0.006, 0.01)
    stiff = rng.uniform(0, 0.03) * smooth_step(np.cos(np.radians(head.azimuth)), -0.2, 0.9)
    lift = _over_hair(head, (0.7 * hair[0], 0.4 * hair[1]), base) + stiff * smooth_step(head.elevation, 45, 66)[:, None]
    azimuth = np.linspace(-68, 68, 25)
    width = rng.uniform(0.055, 0.08) * np.cos(np.radians(azimuth * 90 / 72)) ** 0.45
    slope = min(rng.uniform(0.1, 0.75), LOWEST_BRIM / float(width.max()))
    bill = Brim(azimuth, width, slope, rng.uniform(0.0, 0.035))
    tilt = float(np.tan(np.radians(rng.uniform(8, 26))))
    form = Headwear(head, head.stretched(lift), (60.0, rng.uniform(43, 54)), tilt, brim=bill)
    if rng.random() < 0.2:
        behind = np.where(azimuth <= 0, azimuth + 180, azimuth - 180)
        order = np.argsort(behind)
        bill = Brim(behind[order], width[order], 0.5, 0.0)
        notch = rng.uniform(14, 24) if rng.random() < 0.6 else 0.0
        form = replace(form, tilt=form.tilt * 1.5, notch=notch, brim=None if notch else bill)
    return form


def brimmed(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A hat with a brim all around: for the sun, of felt, a bucket."""
    tall = rng.uniform(0, 0.06)
    lift = _over_hair(head, (0.5 * hair[0], 0.3 * hair[1]), rng.uniform(0.006, 0.014))
    points = head.stretched(lift + tall * smooth_step(head.elevation, 35, 80)[:, None])
    flat = points[..., 1].max() * rng.uniform(0.86, 1.0)
    points[..., 1] = np.where(points[..., 1] > flat, flat + 0.15 * (points[..., 1] - flat), points[..., 1])
    azimuth = np.linspace(-180, 180, 73)
    rolled = 1 - rng.uniform(0, 0.4) * np.abs(np.sin(np.radians(azimuth)))
    width = rng.uniform(0.03, 0.11)
    slope = min(rng.uniform(-0.1, 0.9), LOWEST_BRIM / width)
    brim = Brim(azimuth, width * rolled, slope, rng.uniform(-0.04, 0.02))
    return Headwear(head, points, (60.0, rng.uniform(44, 54)), float(np.tan(np.radians(rng.uniform(0, 14)))), brim=brim)


def helmet(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A hard shell."""
    lift = _over_hair(head, (0.3 * hair[0], 0.2 * hair[1]), rng.uniform(0.018, 0.035))
    brim = None
    if rng.random() < 0.35:
        azimuth = np.linspace(-60, 60, 21)
        brim = Brim(azimuth, rng.uniform(0.02, 0.05) * np.cos(np.radians(azimuth * 1.4)) ** 0.5, 0.3, 0.01)
    tilt = float(np.tan(np.radians(rng.uniform(0, 28))))
    return Headwear(head, head.stretched(lift), (60.0, rng.uniform(42, 52)), tilt, brim=brim)


def turban(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A long cloth wound around the head."""
    thick = rng.uniform(0.018, 0.04)
    swollen = thick * smooth_step(head.elevation, 5, 50)
    swollen += rng.uniform(-0.02, 0.02) * smooth_step(head.elevation, 60, 88)
    lift = _over_hair(head, (0.8 * hair[0], hair[1]), 0.008) + swollen[:, None]
    lean = rng.uniform(-1, 1)
    wound = np.sin(np.radians(head.elevation[:, None] * rng.uniform(14, 26) + lean * 120 * np.sin(
        np.radians(head.azimuth))))  # fmt: skip
    tilt = float(np.tan(np.radians(rng.uniform(10, 30))))
    points = head.stretched(lift + 0.0025 * wound)
    return Headwear(head, points, (60.0, rng.uniform(41, 52)), tilt, peak=rng.uniform(0, 10))


def kerchief(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A thin cloth bound over the hair and behind the ears."""
    points = head.stretched(_over_hair(head, (0.6 * hair[0], 0.6 * hair[1]), rng.uniform(0.004, 0.007)))
    return Headwear(head, points, (60.0, rng.uniform(42, 54)), float(np.tan(np.radians(rng.uniform(25, 50)))))


def scarf(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A headscarf around the cheeks and under the chin, falling over the shoulders."""
    lift = _over_hair(head, hair, rng.uniform(0.005, 0.012))
    lift += rng.uniform(0, 0.012) * smooth_step(np.abs(head.azimuth), 40, 90)
    points = _hanging(head, head.stretched(lift), rng.uniform(0.1, 0.17))
    wide, narrow = rng.uniform(66, 76), rng.uniform(48, 64)
    opening = (wide, min(narrow, wide), rng.uniform(-40, -33))
    return Headwear(head, points, (60.0, rng.uniform(42, 54)), 0.0, opening=opening)


def hood(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A hood that stands off the head, open in front."""
    stand = rng.uniform(0.012, 0.035)
    lift = _over_hair(head, (0.6 * hair[0], 0.6 * hair[1]), stand)
    lift += 0.4 * stand * smooth_step(np.abs(head.azimuth), 30, 80)
    points = _hanging(head, head.stretched(lift), rng.uniform(0.12, 0.18))
    peaked = rng.uniform(0, 0.03) * smooth_step(head.elevation, 55, 85)[:, None, None]
    points = points + peaked * np.array([0, 0.6, -0.8])
    opening = (rng.uniform(78, 92), rng.uniform(60, 76), rng.uniform(-58, -44))
    return Headwear(head, points, (64.0, rng.uniform(47, 58)), 0.0, opening=opening)


def balaclava(head: HeadAround, hair: tuple[float, float], rng: np.random.Generator) -> Headwear:
    """A knit over head and neck."""
    points = head.stretched(_over_hair(head, (0.5 * hair[0], 0.3 * hair[1]), rng.uniform(0.005, 0.009)))
    opening = (rng.uniform(58, 66), rng.uniform(42, 58), rng.uniform(-38, -31))
    return Headwear(head, points, (56.0, rng.uniform(40, 50)), 0.0, opening=opening)


def _hanging(head: HeadAround, points: Float64s, shoulders: float) -> Float64s:
    """Points [R, C, 3] that fall to the shoulders from below the chin, and at the sides from the cheeks."""
    around = np.radians(head.azimuth)
    start = -45 + 52 * smooth_step(np.abs(head.azimuth), 30, 82)  # degrees from which it falls
    part = np.clip((start - head.elevation[:, None]) / (start - head.elevation[-1]), 0, 1)[..., None]
    row = np.clip(np.searchsorted(-head.elevation, -start), 0, len(head.elevation) - 1)
    first = points[row, np.arange(points.shape[1])]
    last = np.stack([
        shoulders * np.sin(around),
        np.full_like(around, -SHOULDERS),
        0.6 * shoulders * np.cos(around) - 0.02,
    ], axis=-1)  # fmt: skip
    fallen = first + (last - first) * np.concatenate([part**2, part, part**2], axis=-1)
    return np.where(part > 0, fallen, points)
