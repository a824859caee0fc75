"""Tests of learners on people they were not trained on: on heads whose form is known, and of real photographs.

    python -m tools.known_heads make PREPARED CODES --ict ict_facekit_light.npz --occluders DIR -o heads.npz
    python -m tools.known_heads score heads.npz [LEARNER ...]                 form of the head
    python -m tools.known_heads frames heads.npz [LEARNER ...] --validation more.npz    five photographs joined
    python -m tools.known_heads uncertainty heads.npz [LEARNER ...]           stated against true errors
    python -m tools.known_heads calibrate heads.npz LEARNER.onnx              make them agree, and write the file
    python -m tools.known_heads people PREPARED CODES [LEARNER ...]           who is who
    python -m tools.known_heads expressions PREPARED CODES [LEARNER ...]      units, and faces at rest
    python -m tools.known_heads turned PREPARED CODES [LEARNER ...]           pose of turned heads
    python -m tools.known_heads found PREPARED CODES [LEARNER ...] --occluders DIR      lost faces, false heads
    python -m tools.known_heads occlusion PREPARED CODES [LEARNER ...] --occluders DIR  the map
    python -m tools.known_heads page PREPARED CODES LEARNER -o page.png       to look at

LEARNER is an ONNX file or ``openhead``, the packaged one. Every other command prints a table or two in Markdown; each
module says what they mean. Options come last. All photographs are of the test split, but for
``make --split validation``.
"""
