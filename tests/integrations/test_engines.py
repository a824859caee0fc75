"""What the pages for Unity and Unreal say of our files is so."""

import re
from dataclasses import replace
from pathlib import Path

import made_up
import numpy as np
import pytest
from documents import ROOT
from glb_reader import Glb

import unveil
from unveil.heads.parts import HairEnds
from unveil.meshes.glb import glb_bytes
from unveil.output.live_link import UNITS

PAGES = [ROOT / "docs" / name for name in ("unity.md", "unreal.md")]
HAT = made_up.a_hat()
ENDS = HairEnds(HAT.vertices, HAT.faces, HAT.uv, HAT.uv_faces, np.full((8, 8, 4), 90, np.uint8), HAT.hidden)
MODEL = replace(unveil.load_openhead(), hair=replace(HAT, ends=ENDS))


@pytest.fixture(scope="module")
def file() -> Glb:
    return Glb(glb_bytes(MODEL, MODEL.zero(), np.full((8, 8, 3), 150, np.uint8)))


def test_axes_and_scale(file: Glb) -> None:
    parts = {each["extras"]["part"]: each for each in file["meshes"][0]["primitives"]}
    skin = file.array(parts["skin"]["attributes"]["POSITION"])
    width, height, _ = np.ptp(skin, axis=0)
    assert (round(width, 2), round(height, 2)) == (0.18, 0.26)
    eyes = file.array(parts["eyes"]["attributes"]["POSITION"])
    assert eyes[:, 2].min() > 0  # before the origin
    assert abs(eyes[:, 1].mean()) < 0.01  # at its height
    nose = skin[skin[:, 2].argmax()]
    assert abs(nose[0]) < 0.005


def test_bones(file: Glb) -> None:
    nodes = {node["name"]: node for node in file["nodes"]}
    names = [node["name"] for node in file["nodes"]]
    assert [names[k] for k in nodes["root"]["children"]] == ["neck"]
    assert {names[k] for k in nodes["neck"]["children"]} == {"jaw", "left_eye", "right_eye"}
    assert not any("rotation" in node for node in nodes.values())
    places = [np.array(nodes[name]["translation"]) for name in ("left_eye", "right_eye")]
    assert places[0][0] > 0 > places[1][0]  # the subject's left is +x
    hair = file["meshes"][1]["primitives"][0]["attributes"]
    assert (file.array(hair["JOINTS_0"])[:, 0] == MODEL.head.joint_names.index("neck")).all()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_names_on_the_page_are_those_of_the_file(file: Glb, page: Path) -> None:
    named = set(re.findall(r"`(\w+(?: \w+)*)`", page.read_text()))
    units = file["meshes"][0]["extras"]["targetNames"]
    assert sorted(units) == sorted(UNITS)
    assert len([unit for unit in units if unit.startswith("eyeLook")]) == 8
    materials = {material["name"] for material in file["materials"]}
    assert materials <= named
    attributes = {"_HIDDEN", "_UNCERTAINTY", "head_to_image", "pose_degrees"}
    bones = {node["name"] for node in file["nodes"]}
    curves = {"JawOpen"}  # of Live Link
    assert named <= materials | attributes | bones | curves | set(units) | {"BLEND"}
    assert all(material["doubleSided"] for material in file["materials"])
    modes = {material["name"]: material["alphaMode"] for material in file["materials"]}
    assert modes == dict.fromkeys(modes, "OPAQUE") | {"hair ends": "BLEND"}
