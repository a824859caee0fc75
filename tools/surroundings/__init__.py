"""Train the network that says what is around a head, ``openhead_surroundings.onnx``.

    python -m tools.surroundings gather photographs/ trainset/ --occluders occluders/ -o views.npz
    python -m tools.surroundings train views.npz --kept surroundings.pt -o openhead_surroundings.onnx
    python -m tools.surroundings gather photographs/ trainset/ --occluders occluders/ --held-out -o held_out.npz
    python -m tools.surroundings measure held_out.npz

MediaPipe's selfie multiclass segmentation says what they show, at twice the size that it has in reconstructions; which
of them show hats and bald heads somebody saw. From these, harder ones are made whose answer is known: hair
in other colours, before other walls, walls coloured like hair or skin, bald heads, hats and other occluders, and
photographs that end at the forehead.
"""
