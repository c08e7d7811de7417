"""Writes the two ONNX files of a model from its trained weights, and checks them.

The graphs are small enough to be written node by node with ``onnx.helper``. No exporter is used: PyTorch's current
exporter emits opset 18, which cannot be converted down to 13, and the older exporter is deprecated.

``model.onnx``      float32, three Gemm, opset 13, dynamic batch: for every CPU engine.
``model.ane.onnx``  float32 in and out, float16 inside, three 1x1 Conv, opset 17, 2048 reads per call: the form that CoreML
                    can run on the Neural Engine, which computes in float16 and needs static shapes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: from 1.29 on, telemetry starts with the library
import onnxruntime  # noqa: E402

ANE_READS = 2048  # reads per call of the .ane.onnx file; a multiple of 64
F32_TOLERANCE = 1e-6  # max |Δp| of model.onnx against PyTorch in float64
F16_TOLERANCE = 5e-3  # max |Δp| of model.ane.onnx against model.onnx


def metadata(model_id: str, version: int) -> dict[str, str]:
    """What an engine must know about the model: the ``metadata_props`` of both files."""
    return {
        "bm.id": model_id,
        "bm.version": str(version),
        "bm.task": "read-quality",
        "bm.encoding": "scalar-150",
        "bm.encoding_version": "1",
        "bm.window_rule": "base-weighted-mean-logit",
        "bm.window_length": "150",
        "bm.threshold": "0.5",
        "bm.label": "pass: mean Phred of the read >= 20",
    }


def _model(graph: onnx.GraphProto, opset: int, ir_version: int, props: dict[str, str]) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="bm")
    model.ir_version = ir_version
    helper.set_model_props(model, props)
    onnx.checker.check_model(model, full_check=True)
    return model


def dense_model(arrays: list[np.ndarray], props: dict[str, str]) -> onnx.ModelProto:
    """Gemm, Relu, Gemm, Relu, Gemm, Sigmoid: ``features`` [batch, 300] to ``probability`` [batch, 1], float32."""
    w1, b1, w2, b2, w3, b3 = (a.astype(np.float32) for a in arrays)
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "w1", "b1"], ["z1"], "gemm1", transB=1),  # [batch, 128]
            helper.make_node("Relu", ["z1"], ["h1"], "relu1"),
            helper.make_node("Gemm", ["h1", "w2", "b2"], ["z2"], "gemm2", transB=1),  # [batch, 64]
            helper.make_node("Relu", ["z2"], ["h2"], "relu2"),
            helper.make_node("Gemm", ["h2", "w3", "b3"], ["logit"], "gemm3", transB=1),  # [batch, 1]
            helper.make_node("Sigmoid", ["logit"], ["probability"], "sigmoid"),
        ],
        "read_quality",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", w1.shape[1]])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(a, n) for a, n in zip((w1, b1, w2, b2, w3, b3), ("w1", "b1", "w2", "b2", "w3", "b3"))],
    )
    return _model(graph, 13, 7, props)


def ane_model(arrays: list[np.ndarray], props: dict[str, str]) -> onnx.ModelProto:
    """The same network as 1x1 convolutions in float16: [1, 300, 1, 2048] to [1, 1, 1, 2048], float32 outside.

    Each read is one pixel and its features are the channels, so a dense layer becomes a 1x1 convolution.
    """
    w1, b1, w2, b2, w3, b3 = (a.astype(np.float16) for a in arrays)
    digest = hashlib.sha256(b"".join(a.tobytes() for a in (w1, b1, w2, b2, w3, b3))).hexdigest()
    # CoreML caches a compiled model under this key, so other weights need another key. Letters and digits, fewer than 64.
    key = "".join(c for c in props["bm.id"] if c.isalnum())[:20] + digest[:40]
    layers, initialisers = [], []
    for i, (w, b) in enumerate(((w1, b1), (w2, b2), (w3, b3)), start=1):
        source = "features16" if i == 1 else f"h{i - 1}"
        layers.append(
            helper.make_node(
                "Conv", [source, f"w{i}", f"b{i}"], [f"z{i}"], f"conv{i}",
                kernel_shape=[1, 1], strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1,
            )  # [1, out, 1, reads]
        )  # fmt: skip
        if i < 3:
            layers.append(helper.make_node("Relu", [f"z{i}"], [f"h{i}"], f"relu{i}"))
        initialisers += [
            numpy_helper.from_array(w[:, :, None, None], f"w{i}"),  # [out, in] -> [out, in, 1, 1]
            numpy_helper.from_array(b, f"b{i}"),
        ]
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["features"], ["features16"], "cast_in", to=TensorProto.FLOAT16),
            *layers,
            helper.make_node("Sigmoid", ["z3"], ["probability16"], "sigmoid"),
            helper.make_node("Cast", ["probability16"], ["probability"], "cast_out", to=TensorProto.FLOAT),
        ],
        "read_quality_ane",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, w1.shape[1], 1, ANE_READS])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, 1, 1, ANE_READS])],
        initialisers,
    )
    return _model(graph, 17, 8, {**props, "COREML_CACHE_KEY": key})


def ane_path(path: Path) -> Path:
    """Name of the float16 file beside a model file: ``x.onnx`` to ``x.ane.onnx``."""
    return path.with_name(path.stem + ".ane.onnx")


def write(arrays: list[np.ndarray], path: Path, props: dict[str, str]) -> None:
    """Write ``path`` and the ``.ane.onnx`` file beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dense_model(arrays, props).SerializeToString(deterministic=True))
    ane_path(path).write_bytes(ane_model(arrays, props).SerializeToString(deterministic=True))


class Engine:
    """Python's ONNX Runtime on the CPU over either file.

    Parameters
    ----------
    path : Path
        ``model.onnx`` or ``model.ane.onnx``, distinguished by the rank of the input.
    """

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.static = len(self.session.get_inputs()[0].shape) == 4
        self.metadata = self.session.get_modelmeta().custom_metadata_map

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Probability that each read passes, float32 [rows], from features [rows, 300]."""
        features = np.ascontiguousarray(features, dtype=np.float32)
        size = ANE_READS if self.static else 8192
        out = [np.empty(0, np.float32)]
        for i in range(0, len(features), size):
            batch = features[i : i + size]
            rows = len(batch)
            if self.static:
                batch = np.pad(batch, ((0, size - rows), (0, 0)))  # pad the last batch; the padding is dropped below
                batch = batch.T[None, :, None, :]  # [reads, 300] -> [1, 300, 1, reads]
            out.append(self.session.run(["probability"], {"features": np.ascontiguousarray(batch)})[0].reshape(-1)[:rows])
        return np.concatenate(out)


def check(path: Path, features: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """Load both files and compare their probabilities.

    Parameters
    ----------
    path : Path
        ``model.onnx``; the float16 file must be in the same folder.
    features : float32 array [rows, 300]
    expected : float array [rows]
        Probabilities from PyTorch, in float64.

    Returns
    -------
    tuple of float
        Max |Δp| of the float32 file against PyTorch, and of the float16 file against the float32 file. Raises SystemExit if
        either exceeds its tolerance.
    """
    for file in (path, ane_path(path)):
        onnx.checker.check_model(str(file), full_check=True)
    p32 = Engine(path).probability(features)
    p16 = Engine(ane_path(path)).probability(features)
    d32, d16 = float(np.abs(p32 - expected).max()), float(np.abs(p16 - p32).max())
    for file, found, allowed in ((path, d32, F32_TOLERANCE), (ane_path(path), d16, F16_TOLERANCE)):
        if not found <= allowed:  # also true of NaN
            raise SystemExit(f"{file}: max |Δp| {found:.2e}, allowed {allowed:.0e}")
    return d32, d16
