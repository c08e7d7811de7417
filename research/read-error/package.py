"""Writes the two ONNX files of a trained network, the golden reads and the manifest.

``model.onnx``      float32, opset 13, [batch, 24, 1, length]: for every CPU engine.
``model.ane.onnx``  float16 inside, opset 17, [1, 24, 16, 4096]: the form that CoreML can run on the Neural Engine. Reads lie side
                    by side in the rows, separated by half a window of zeros. `bm` takes the shape from the file.

    package.py MODEL_DIR    writes model.ane.onnx of a package anew, from its model.onnx, in the shape below
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import reads

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: from 1.29 on, telemetry starts with the library
import onnxruntime  # noqa: E402

# Rows and columns of a block: some 420 reads of 150 bases. A call costs 0.1 to 0.25 ms, whatever it holds, so this allows 1.7 to 4 million
# reads/s; one row allows 0.1 to 0.26 million. Columns are a multiple of 64; CoreML accepts no dimension over 16384. `bm adapt` writes the same shape.
ANE_SHAPE = (16, 4096)
LABEL = "pass: true error rate of the read <= 1 %"
THRESHOLD = 0.5
# float16 has eleven bits, and no normal number below 6e-5: the allowed relative and absolute differences of a probability.
F16_RELATIVE, F16_ABSOLUTE = 2e-2, 1e-5


def metadata(config: dict) -> dict[str, str]:
    """What an engine must know about the model: the ``metadata_props`` of both files."""
    model, read = config["model"], config["read"]
    return {
        "bm.id": model["id"], "bm.version": str(model["version"]), "bm.task": "read-error",
        "bm.encoding": "quality-place", "bm.encoding_version": "1",
        "bm.read_rule": "negative-binomial", "bm.mean_scale": str(read["mean_scale"]), "bm.dispersion": str(read["dispersion"]),
        "bm.max_error_rate": str(read["max_error_rate"]),
        **{f"bm.domain_{key}": str(value) for key, value in config["domain"].items()},
        "bm.threshold": str(THRESHOLD), "bm.label": LABEL,
    }  # fmt: skip


def model(weights: dict[str, np.ndarray], props: dict[str, str], half: bool) -> onnx.ModelProto:
    """The graph: Conv, Relu, Conv in parallel with a Conv, then Add and Sigmoid; in float16 between two Casts if ``half``."""
    kind = np.float16 if half else np.float32
    channels = weights["window"].shape[1]
    source, target = ("features16", "error_probability16") if half else ("features", "error_probability")
    nodes, initialisers = [], []
    for name, given, made in (("window", source, "z"), ("last", "h", "correction"), ("guess", source, "logit")):
        w, b = weights[name].astype(kind)[:, :, None, :], weights[f"{name}.bias"].astype(kind)
        around = w.shape[3] // 2
        attributes = {"kernel_shape": [1, w.shape[3]], "pads": [0, around, 0, around]}
        nodes.append(helper.make_node("Conv", [given, f"{name}.weight", f"{name}.bias"], [made], name, **attributes))
        if name == "window":
            nodes.append(helper.make_node("Relu", ["z"], ["h"], "relu"))
        initialisers += [numpy_helper.from_array(w, f"{name}.weight"), numpy_helper.from_array(b, f"{name}.bias")]
    nodes.append(helper.make_node("Add", ["logit", "correction"], ["sum"], "add"))
    nodes.append(helper.make_node("Sigmoid", ["sum"], [target], "sigmoid"))
    batch, rows, length = (1, *ANE_SHAPE) if half else ("batch", 1, "length")
    if half:
        nodes.insert(0, helper.make_node("Cast", ["features"], ["features16"], "cast_in", to=TensorProto.FLOAT16))
        nodes.append(helper.make_node("Cast", [target], ["error_probability"], "cast_out", to=TensorProto.FLOAT))
        parts = [*(tensor.SerializeToString() for tensor in initialisers), repr(ANE_SHAPE).encode()]
        digest = hashlib.sha256(b"".join(parts)).hexdigest()
        # CoreML caches a compiled model under this key, so other weights or another shape need another key. Letters and digits, fewer than 64.
        props = {**props, "COREML_CACHE_KEY": "readerror" + digest[:40]}
    graph = helper.make_graph(
        nodes,
        "read_error",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [batch, channels, rows, length])],
        [helper.make_tensor_value_info("error_probability", TensorProto.FLOAT, [batch, 1, rows, length])],
        initialisers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17 if half else 13)], producer_name="bm")
    made.ir_version = 8 if half else 7
    helper.set_model_props(made, props)
    onnx.checker.check_model(made, full_check=True)
    return made


class Engine:
    """Runs either file in Python's ONNX Runtime: error probabilities from the features of reads."""

    def __init__(self, path: Path, providers: list[str] | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=providers or ["CPUExecutionProvider"])
        _, self.channels, *shape = self.session.get_inputs()[0].shape
        self.shape = tuple(shape) if all(isinstance(size, int) for size in shape) else None  # (rows, columns)
        weights = (tensor for tensor in onnx.load(path).graph.initializer if tensor.name == "window.weight")
        self.around = next(weights).dims[3] // 2

    def fits(self, bases: int) -> bool:
        """Whether a read fits in a row of the file. `bm` cuts longer ones; this class does not."""
        return self.shape is None or bases <= self.shape[1]

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Error probabilities, float32 [bases], from the features of one read, float32 [bases, channels]."""
        return self.probabilities([features])[0]

    def probabilities(self, reads: list[np.ndarray]) -> list[np.ndarray]:
        """Error probabilities of each read, float32 [bases], from its features, float32 [bases, channels]."""
        if self.shape is None:  # a call per read, [1, channels, 1, bases]
            inputs = (np.ascontiguousarray(features.T[None, :, None, :], dtype=np.float32) for features in reads)
            return [self.session.run(None, {"features": x})[0].reshape(-1) for x in inputs]
        (rows, columns), out = self.shape, []
        x, places = np.zeros((1, self.channels, rows, columns), np.float32), []
        row = column = 0
        for i, features in enumerate(reads):
            if column + len(features) > columns:
                row, column = row + 1, 0
            x[0, :, row, column : column + len(features)] = features.T
            places.append((row, slice(column, column + len(features))))
            column += len(features) + self.around
            following = len(reads[i + 1]) if i + 1 < len(reads) else columns + 1
            if row == rows - 1 and column + following > columns or following > columns:
                p = self.session.run(None, {"features": x})[0][0, 0]  # [rows, columns]
                out += [p[place] for place in places]
                x[:], places, row, column = 0, [], 0, 0
        return out


def write_models(folder: Path, weights: dict[str, np.ndarray], config: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, half in (("model.onnx", False), ("model.ane.onnx", True)):
        (folder / name).write_bytes(model(weights, metadata(config), half).SerializeToString(deterministic=True))


def rewrite_half(folder: Path) -> None:
    """Writes model.ane.onnx of a package from the weights in its model.onnx, and its digest into the manifest."""
    single = onnx.load(folder / "model.onnx")
    arrays = {tensor.name.removesuffix(".weight"): numpy_helper.to_array(tensor) for tensor in single.graph.initializer}
    weights = {name: array[:, :, 0, :] if array.ndim == 4 else array for name, array in arrays.items()}
    props = {entry.key: entry.value for entry in single.metadata_props}
    path, manifest = folder / "model.ane.onnx", json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    path.write_bytes(model(weights, props, half=True).SerializeToString(deterministic=True))
    manifest["files"][path.name] = {"sha256": reads.sha256(path), "bytes": path.stat().st_size}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_probability(expected: float, bases: int, read: dict) -> float:
    """P(at most floor(max_error_rate x bases) errors), negative binomial, float64: mean m = mean_scale x expected, variance
    m + dispersion m^2. Computed in logarithms, so that long reads do not exceed the range of a double."""
    size, mean = 1 / read["dispersion"], read["mean_scale"] * expected
    term = -size * np.log1p(mean / size)
    if mean == 0:
        return 1.0
    total, log_ratio = term, np.log(mean / (size + mean))
    for errors in range(int(np.floor(read["max_error_rate"] * bases * (1 + 1e-12)))):
        term += np.log((errors + size) / (errors + 1)) + log_ratio
        total = np.logaddexp(total, term)
    return float(np.exp(min(total, 0.0)))


def golden(folder: Path, testdata: Path, bm: Path, config: dict) -> dict:
    """Golden reads: real reads of the test data with 1 to some thousand bases, some unknown or lower case, and the results of model.onnx."""
    chosen: list[tuple[str, bytes, bytes]] = []

    def take(file: str, picks: list[tuple[int, int, int]]) -> None:
        found = list(reads.records(testdata / file))
        for number, start, length in picks:
            _, sequence, quality = found[number]
            sequence, quality = sequence[start : start + length], quality[start : start + length]
            if set(sequence.upper()) & set(b"ACGT"):
                chosen.append((f"{Path(file).name.split('.')[0]}/{number + 1}:{start}+{len(sequence)}", sequence, quality))

    lengths = (1, 2, 3, 4, 5, 8, 9, 13, 21, 34, 50, 51, 75, 99, 100, 101, 125, 149, 150)
    take("hiseqx_phage/hiseqx_phage.fastq.gz", [(60 * i, 0 if n > 100 else 20, n) for i, n in enumerate(lengths)])
    take("hiseq_measles/hiseq_measles_2.fastq.gz", [(40 * i, 0, 101) for i in range(10)])
    take("derived/lowercase_and_iupac.fastq.gz", [(i, 0, n) for i, n in ((0, 150), (1, 150), (2, 90), (4, 41))])
    take("novaseq_A00129_800.fastq.gz", [(90 * i, 0, n) for i, n in enumerate((150, 150, 150, 120, 60, 35))])
    take("miseq_twist/miseq_twist_first2000_2.fastq.gz", [(200 * i, 0, n) for i, n in enumerate((151, 175, 200, 225, 250, 250))])
    take("nanopore_lambda_4line.fastq.gz", [(11 * i, 100, n) for i, n in enumerate((20, 80, 150, 300, 400, 1000, 2000, 5000))])
    _, sequence, quality = chosen[-9]
    chosen.append(("made/n_first_half", b"N" * (len(sequence) // 2) + sequence[len(sequence) // 2 :], quality))
    engine, table = Engine(folder / "model.onnx"), reads.vectors(bm)
    codes = reads.encode(bm, [(sequence, quality) for _, sequence, quality in chosen])
    out, start = [], 0
    for name, sequence, quality in chosen:
        p = engine.probability(table[codes[start : start + len(sequence)]])
        start += len(sequence)
        expected = float(p.astype(np.float64).sum())
        out.append({
            "name": name, "sequence": sequence.decode(), "quality": quality.decode(),
            "probability": float(np.float32(read_probability(expected, len(sequence), config["read"]))),
            "expected_errors": float(np.float32(expected)),
        })  # fmt: skip
    passing = sum(each["probability"] >= THRESHOLD for each in out)
    if not 0 < passing < len(out):
        raise SystemExit(f"golden reads must include both verdicts, but {passing} of {len(out)} pass")
    return {"format": 1, "tolerance": 1e-6, "reads": out}


def check(folder: Path, net_probability: np.ndarray, features: np.ndarray) -> dict[str, float]:
    """Largest differences of both files on one read; raises SystemExit if they are too large.

    Parameters
    ----------
    net_probability : float64 array [bases]
        From PyTorch.
    features : float32 array [bases, channels]
    """
    p32, p16 = (Engine(folder / name).probability(features).astype(np.float64) for name in ("model.onnx", "model.ane.onnx"))
    off32, off16 = np.abs(p32 - net_probability), np.abs(p16 - p32)
    if not (off32 <= 1e-6 + 1e-4 * p32).all():
        raise SystemExit(f"model.onnx: max |Δp| {off32.max():.1e} against PyTorch")
    if not (off16 <= F16_ABSOLUTE + F16_RELATIVE * p32).all():
        raise SystemExit(f"model.ane.onnx: max |Δp| {off16.max():.1e} against model.onnx")
    return {"f32_against_torch": float(off32.max()), "f16_against_f32": float(off16.max())}


def order_fault(folder: Path, bm: Path) -> str:
    """The first fault of what model.onnx gives where nothing was learned, on reads of one quality each; empty if there is none.

    A read of a lower quality has no fewer expected errors, and Phred scores over 41 have no fewer than 41. A base of a read shorter than the window has at least the
    probability of the base at the same distance from the same end of a long read.
    """
    engine, table, close = Engine(folder / "model.onnx"), reads.vectors(bm), 1 - 1e-5

    def probabilities(length: int) -> np.ndarray:
        """Error probabilities, float64 [scores, length]."""
        codes = reads.encode(bm, [(b"A" * length, bytes([33 + q]) * length) for q in range(reads.SCORES)])
        return np.array([engine.probability(table[of]) for of in codes.reshape(-1, length)], np.float64)

    long = probabilities(100)
    for length in (1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 50, 99, 100, 150, 300):
        p = probabilities(length)
        expected, what = p.sum(1), f"reads of {length} bases of one quality"
        if (rising := np.flatnonzero(expected[1:] * close > expected[:-1])).size:
            return f"{what}: Phred {rising[0] + 1} has more expected errors than Phred {rising[0]}"
        if (expected[42:] < expected[41] * close).any():
            return f"{what}: a Phred score over 41 has fewer expected errors than 41"
        first = (min(length, 9) + 1) // 2  # bases that are nearer to the start
        last = min(length, 9) - first
        if (p[:, :first] < close * long[:, :first]).any() or (last and (p[:, -last:] < close * long[:, -last:]).any()):
            return f"{what}: lower error probabilities than in a long read"
    return ""


def write_manifest(folder: Path, config: dict, data: list[dict], metrics: dict, tools: dict[str, str]) -> None:
    names = ("model.onnx", "model.ane.onnx", "golden.json", "experience.json")
    channels = onnx.load(folder / "model.onnx").graph.input[0].type.tensor_type.shape.dim[1].dim_value
    manifest = {
        "format": 1,
        "id": config["model"]["id"], "version": config["model"]["version"], "task": "read-error",
        "description": config["model"]["description"],
        "encoding": {"id": "quality-place", "version": 1},
        "read_rule": {"name": "negative-binomial", **config["read"]},
        "domain": config["domain"],
        "thresholds": {"default": THRESHOLD},
        "label": {"name": "error-rate", "definition": LABEL},
        "input": {"name": "features", "shape": ["batch", channels, 1, "length"]},
        "output": {"name": "error_probability", "shape": ["batch", 1, 1, "length"]},
        "files": {name: {"sha256": reads.sha256(folder / name), "bytes": (folder / name).stat().st_size} for name in names},
        "training": {"data": data, "seed": config["training"]["seed"], "config": config, "tools": tools},
        "metrics": metrics,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_golden(folder: Path, testdata: Path, bm: Path, config: dict) -> None:
    (folder / "golden.json").write_text(json.dumps(golden(folder, testdata, bm, config), indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write model.ane.onnx of a package anew, from its model.onnx.")
    parser.add_argument("folder", type=Path, metavar="MODEL_DIR")
    folder = parser.parse_args().folder
    rewrite_half(folder)
    print(f"wrote {folder / 'model.ane.onnx'}: [1, channels, {ANE_SHAPE[0]}, {ANE_SHAPE[1]}]")


if __name__ == "__main__":
    main()
