"""Spherical harmonics and irradiance against numerical integration over the sphere."""

import numpy as np
import pytest
from extras import needs

from unveil.geometry.lighting import harmonics, irradiance, turned_about_z
from unveil.typing import Float64s


def sphere(count: int) -> tuple[Float64s, Float64s]:
    """Directions [K, 3] and weights [K] that integrate polynomials over the sphere (Gauss in height, even around)."""
    height, weight = np.polynomial.legendre.leggauss(count)
    angle = 2 * np.pi * np.arange(2 * count) / (2 * count)
    h, a = np.meshgrid(height, angle, indexing="ij")
    radius = np.sqrt(1 - h**2)
    directions = np.stack([radius * np.cos(a), radius * np.sin(a), h], axis=-1).reshape(-1, 3)
    return directions, np.repeat(weight * np.pi / count, 2 * count)


def test_harmonics_are_orthonormal() -> None:
    directions, weights = sphere(8)
    basis = harmonics(directions)
    assert basis.T @ (weights[:, None] * basis) == pytest.approx(np.eye(9), abs=1e-12)


def test_order_of_the_harmonics() -> None:
    """Each is a multiple of its polynomial."""
    x, y, z = v = np.array([0.36, -0.48, 0.8])
    polynomials = np.array([1, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1])
    ratio = harmonics(v) / polynomials
    assert (ratio > 0).all()
    assert ratio[1:4] == pytest.approx(np.full(3, ratio[1]))
    assert ratio[4:7] == pytest.approx(np.full(3, ratio[4]))
    assert ratio[7] == pytest.approx(ratio[4] / 2)


def test_irradiance_is_the_light_of_a_hemisphere_weighted_by_the_cosine() -> None:
    directions, weights = sphere(200)
    rng = np.random.default_rng(0)
    light = rng.normal(size=(9, 3))
    normals = rng.normal(size=(5, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    radiance = harmonics(directions) @ light
    cosine = np.maximum(normals @ directions.T, 0)
    assert irradiance(normals, light) == pytest.approx((cosine * weights) @ radiance, abs=1e-3)


def test_even_light_falls_evenly() -> None:
    light = np.zeros((9, 1))
    light[0] = 2 * np.sqrt(np.pi)  # radiance 1 from everywhere
    assert irradiance(np.array([[0, 0, 1.0], [0, 1, 0]]), light) == pytest.approx(np.full((2, 1), np.pi))


def test_numpy_equals_torch_with_gradients() -> None:
    torch = needs("torch")
    rng = np.random.default_rng(1)
    normals, light = rng.normal(size=(4, 3)), rng.normal(size=(9, 3))
    tensors = torch.from_numpy(normals).requires_grad_(), torch.from_numpy(light).requires_grad_()
    assert irradiance(*tensors).detach().numpy() == pytest.approx(irradiance(normals, light))
    assert torch.autograd.gradcheck(irradiance, tensors)


def test_light_turned_about_z_is_seen_from_directions_turned_back() -> None:
    directions, _ = sphere(6)
    light = np.random.default_rng(2).normal(size=(3, 9, 3))
    angles = np.array([0.7, -2.0, 0.0])
    for one, turned, angle in zip(light, turned_about_z(light, angles), angles, strict=True):
        cos, sin = np.cos(angle), np.sin(angle)
        forward = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        assert harmonics(directions @ forward.T) @ turned == pytest.approx(harmonics(directions) @ one, abs=1e-12)
    torch = needs("torch")
    tensors = torch.from_numpy(light), torch.from_numpy(angles)
    assert turned_about_z(*tensors).numpy() == pytest.approx(turned_about_z(light, angles))
