"""Train the network that says what is around a head, ``openhead_surroundings.onnx``.

    python -m tools.surroundings gather photographs/ trainset/ --labels selfie_multiclass.onnx \
        --occluders occluders/ -o views.npz
    python -m tools.surroundings train views.npz --kept surroundings.pt -o openhead_surroundings.onnx
    python -m tools.surroundings gather photographs/ trainset/ --labels selfie_multiclass.onnx \
        --held-out -o held_out.npz
    python -m tools.surroundings measure held_out.npz

MediaPipe's selfie multiclass segmentation (`tools.convert_selfie_multiclass`), three times as large, says what they
show; which of them show hats and bald heads somebody saw. From these, harder ones are made whose answer is known: hair
in other colours, before other walls, walls coloured like hair or skin, bald heads, hats and other occluders, and
photographs that end at the forehead.
"""
