"""Writes the two ONNX files of a trained network, its golden vectors and its manifest.

``model.onnx``      float32, opset 13, [batch, features] to [batch, 64]: for every CPU engine.
``model.ane.onnx``  float32 in and out, float16 inside, 1x1 convolutions, opset 17, 2048 reads per call: the form that CoreML can run on
                    the Neural Engine.

The length of a vector is made 1 behind the network, by bm-quality and by ``Engine``.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: from 1.29 on, telemetry starts with the library
import onnxruntime  # noqa: E402

from pairs import stack  # noqa: E402
from spectra import Spectra  # noqa: E402

TASK = "read-embedding"
ANE_READS = 2048  # reads per call of the .ane.onnx file; a multiple of 64
TOLERANCE = 1e-5  # of a value of a vector, between engines of full precision
F16_TOLERANCE = 5e-3  # the same for model.ane.onnx
GOLDEN_READS = 24

Layers = list[tuple[np.ndarray, np.ndarray]]  # weights [outputs, inputs] and biases [outputs], ReLU between them


def metadata(config: dict) -> dict[str, str]:
    """What an engine must know about the model: the ``metadata_props`` of both files."""
    model = config["model"]
    return {"bm.id": model["id"], "bm.version": str(model["version"]), "bm.task": TASK, "bm.encoding": "word-spectrum", "bm.encoding_version": "1"}


def model(layers: Layers, props: dict[str, str], half: bool) -> onnx.ModelProto:
    """The graph: Gemm and Relu; or, if ``half``, convolutions of one pixel a read in float16, between two Casts."""
    kind = np.float16 if half else np.float32
    nodes, initialisers, given = [], [], "features16" if half else "features"
    for number, (weights, biases) in enumerate(layers, start=1):
        is_last = number == len(layers)
        made = ("vector16" if half else "vector") if is_last else f"z{number}"
        inputs = [given, f"w{number}", f"b{number}"]
        if half:
            attributes = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1], "group": 1}
            nodes.append(helper.make_node("Conv", inputs, [made], f"conv{number}", **attributes))
        else:
            nodes.append(helper.make_node("Gemm", inputs, [made], f"gemm{number}", transB=1))
        if not is_last:
            given = f"h{number}"
            nodes.append(helper.make_node("Relu", [made], [given], f"relu{number}"))
        weights = weights.astype(kind)
        initialisers.append(numpy_helper.from_array(weights[:, :, None, None] if half else weights, f"w{number}"))
        initialisers.append(numpy_helper.from_array(biases.astype(kind), f"b{number}"))
    features, outputs = layers[0][0].shape[1], layers[-1][0].shape[0]
    shapes = ([1, features, 1, ANE_READS], [1, outputs, 1, ANE_READS]) if half else (["batch", features], ["batch", outputs])
    if half:
        nodes.insert(0, helper.make_node("Cast", ["features"], ["features16"], "cast_in", to=TensorProto.FLOAT16))
        nodes.append(helper.make_node("Cast", ["vector16"], ["vector"], "cast_out", to=TensorProto.FLOAT))
        digest = hashlib.sha256(b"".join(tensor.SerializeToString() for tensor in initialisers)).hexdigest()
        # CoreML caches a compiled model under this key, so other weights need another key. Letters and digits, fewer than 64.
        props = {**props, "COREML_CACHE_KEY": "embed" + digest[:40]}
    graph = helper.make_graph(
        nodes,
        "read_embedding",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, shapes[0])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, shapes[1])],
        initialisers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17 if half else 13)], producer_name="bm")
    made.ir_version = 8 if half else 7
    helper.set_model_props(made, props)
    onnx.checker.check_model(made, full_check=True)
    return made


class Engine:
    """Python's ONNX Runtime over either file: vectors of unit length. It is also a method of ``tasks``."""

    metric = "cosine"

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.is_fixed = len(self.session.get_inputs()[0].shape) == 4
        self.spectra = Spectra()

    def raw(self, features: np.ndarray) -> np.ndarray:
        """Outputs of the network, [reads, 64]."""
        if not self.is_fixed:
            return self.session.run(None, {"features": features})[0]
        out = []
        for start in range(0, len(features), ANE_READS):
            rows = features[start : start + ANE_READS]
            block = np.zeros((1, features.shape[1], 1, ANE_READS), np.float32)
            block[0, :, 0, : len(rows)] = rows.T
            out.append(self.session.run(None, {"features": block})[0][0, :, 0, : len(rows)].T)
        return np.concatenate(out)

    def vectors(self, reads: np.ndarray) -> np.ndarray:
        """Vectors of rows of base codes, [reads, 64]; zeros where no word is known."""
        out = []
        for start in range(0, len(reads), ANE_READS):
            features = self.spectra.of(reads[start : start + ANE_READS])
            raw = self.raw(features).astype(np.float64)
            known = features.any(1, keepdims=True)
            out.append(np.where(known, raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-30), 0).astype(np.float32))
        return np.concatenate(out)


def write_models(folder: Path, layers: Layers, config: dict) -> None:
    """Writes both model files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, half in (("model.onnx", False), ("model.ane.onnx", True)):
        (folder / name).write_bytes(model(layers, metadata(config), half).SerializeToString(deterministic=True))


def check(folder: Path, layers: Layers, reads: np.ndarray) -> dict[str, float]:
    """The largest differences of a value: model.onnx from the weights in float64, model.ane.onnx from model.onnx."""
    x = Spectra().of(reads).astype(np.float64)
    for number, (weights, biases) in enumerate(layers):
        x = (np.maximum(x, 0) if number else x) @ weights.astype(np.float64).T + biases
    expected = x / np.linalg.norm(x, axis=1, keepdims=True)
    single, half = (Engine(folder / name).vectors(reads) for name in ("model.onnx", "model.ane.onnx"))
    found = {"float32": float(np.abs(single - expected).max()), "float16": float(np.abs(half - single).max())}
    for name, allowed in (("float32", TOLERANCE), ("float16", F16_TOLERANCE)):
        if not found[name] <= allowed:  # also true of NaN
            raise SystemExit(f"{folder}: {name} differs by {found[name]:.1e}, allowed {allowed:.0e}")
    return found


def letters(read: np.ndarray) -> str:
    """The letters of base codes."""
    return "".join("ACGTN"[code] for code in read)


def golden(folder: Path, draw: np.random.Generator) -> None:
    """Writes reads of random bases, of many lengths, some with unknown bases and one without words, and their vectors."""
    lengths = [0, 3, 4, 9, 36, 75, 100, 150, 150, 151, 250, 1000, 5000]
    reads = [draw.integers(0, 4, lengths[i % len(lengths)]).astype(np.uint8) for i in range(GOLDEN_READS)]
    for read in reads[len(lengths) :]:
        read[draw.random(len(read)) < 0.03] = 4
    reads.append(np.full(40, 4, np.uint8))
    engine = Engine(folder / "model.onnx")
    rows = []
    for number, read in enumerate(reads):
        vector = engine.vectors(stack([read]))[0]
        rows.append({"name": f"golden{number}", "sequence": letters(read), "vector": [float(f"{value:.8g}") for value in vector]})
    text = json.dumps({"format": 1, "tolerance": TOLERANCE, "reads": rows}, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"')
    (folder / "golden.json").write_text(text + "\n", encoding="utf-8")


def write_manifest(folder: Path, config: dict, training: dict, metrics: dict) -> None:
    """Writes manifest.json."""
    files = {}
    for name in ("model.onnx", "model.ane.onnx", "golden.json"):
        content = (folder / name).read_bytes()
        files[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest = {
        "format": 1,
        **{key: config["model"][key] for key in ("id", "version")},
        "task": TASK,
        "description": config["model"]["description"],
        "encoding": {"id": "word-spectrum", "version": 1},
        "input": {"name": "features", "shape": ["batch", Spectra().features]},
        "output": {"name": "vector", "shape": ["batch", 64]},
        "files": files,
        "training": training,
        "metrics": metrics,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
