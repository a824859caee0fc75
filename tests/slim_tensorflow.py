"""`slim_reference` in TensorFlow: a graph as TensorFlow 1 had them, its outputs, and its checkpoint."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import slim_reference

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

Tensor = Any


class TensorflowOperations:
    """The operations of a graph."""

    def __init__(self) -> None:
        import tensorflow as tf

        self.nn, self.tf = tf.nn, tf

    def convolution(self, x: Tensor, kernel: Tensor, stride: int, padding: str) -> Tensor:
        return self.nn.conv2d(x, kernel, stride, padding)

    def pad(self, x: Tensor, before: int, after: int) -> Tensor:
        return self.tf.pad(x, [[0, 0], [before, after], [before, after], [0, 0]])

    def max_pool(self, x: Tensor, padding: str) -> Tensor:
        return self.nn.max_pool2d(x, 3, 2, padding)

    def relu(self, x: Tensor) -> Tensor:
        return self.nn.relu(x)

    def mean(self, x: Tensor) -> Tensor:
        return self.tf.reduce_mean(x, [1, 2], keepdims=True)

    def normalised(self, x: Tensor, mean: Tensor, variance: Tensor, beta: Tensor, gamma: Tensor) -> Tensor:
        return self.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-5)


def save_checkpoint(prefix: Path, variables: Mapping[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Write ``<prefix>.index`` and its data file, and give the outputs [N, outputs] for images [N, H, W, 3]."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        weights = {name: v1.get_variable(name, initializer=value) for name, value in variables.items()}
        # What training leaves in a checkpoint, and networks beside this one.
        optimiser = f"{slim_reference.SCOPE}/conv1/weights/Adam"
        v1.get_variable(optimiser, initializer=np.ones_like(variables[f"{slim_reference.SCOPE}/conv1/weights"]))
        v1.get_variable("global_step", initializer=np.int64(7))
        v1.get_variable("InceptionResnetV1/conv1/weights", initializer=np.ones((3, 3, 3, 2), np.float32))
        outputs = slim_reference.network(weights, tf.constant(images), TensorflowOperations())
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(prefix), write_meta_graph=False)
        return np.asarray(session.run(outputs))
