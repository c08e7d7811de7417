"""Check a model package against its manifest, the CoreML rules and every available engine.

    python research/neural-engine/validate.py --package models/mean-q20 --bm target/release/bm \
        --reads testdata/hiseqx_phage/hiseqx_phage.fastq.gz [--ort-lib libonnxruntime.so] [--json]

The reference is `model.onnx` in Python's ONNX Runtime on the CPU. Features come from `bm encode`, so
there is only one encoder. Windows of long reads are cut and combined here independently, in float64,
so that `bm`'s window rule is checked.

Exit code 0 if nothing failed (checks that cannot run here are SKIPPED), 1 otherwise.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when the library is loaded

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import coreml_rules  # noqa: E402

WINDOW = 150
FEATURES = 2 * WINDOW
WINDOW_RULE = "base-weighted-mean-logit"
CLAMP = 1e-7
F32_TOLERANCE = 1e-6
F16_TOLERANCE = 5e-3
FILES = ("model.onnx", "model.ane.onnx", "golden.json")
BM_TIMEOUT_S = 600
MADE_READS = 2000  # borderline reads made from the given ones
MADE_PHRED = (14.0, 26.0)  # range of their mean quality, evenly spaced
UNDECIDED_READS = 20  # reads with a probability between 0.01 and 0.99 that a comparison needs


@dataclass
class Report:
    """The results, in order: `checks` have a name and a status; `rows` are the table of engines."""

    checks: list[dict] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)

    def check(self, name: str, ok: bool, detail: object = "") -> bool:
        self.checks.append({"name": name, "status": "ok" if ok else "FAIL", "detail": str(detail)})
        return ok

    def section(self, name: str, part: Callable[[], None]) -> None:
        """Run one part; an unexpected exception becomes a failed check that names the part."""
        try:
            part()
        except Exception as error:
            self.check(name, False, f"{type(error).__name__}: {error}".splitlines()[0])

    def failed(self) -> int:
        return sum(entry["status"] == "FAIL" for entry in [*self.checks, *self.rows])


# Reads and windows.


@dataclass(frozen=True)
class Read:
    name: str
    sequence: bytes
    quality: bytes

    def is_scorable(self) -> bool:
        """Empty reads, and reads whose every base is unknown (N or a dot), are unscored."""
        return any(base not in b"Nn." for base in self.sequence)


def load_reads(path: Path) -> list[Read]:
    """Four-line FASTQ, plain or gzip; the name is the first word of the name line."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) % 4:
        raise ValueError(f"{path.name}: {len(lines)} lines, not a multiple of four")
    reads = []
    for i in range(0, len(lines), 4):
        name, sequence, plus, quality = lines[i : i + 4]
        if not name.startswith(b"@") or not plus.startswith(b"+") or len(sequence) != len(quality):
            raise ValueError(f"{path.name}: record {i // 4 + 1} is not a four-line record")
        reads.append(Read((name[1:].split() or [b""])[0].decode("latin-1"), sequence, quality))
    return reads


def shifted(read: Read, mean_phred: float) -> Read:
    """The read with all qualities shifted by the same amount, so that their mean is about `mean_phred`."""
    shift = mean_phred - (sum(read.quality) / len(read.quality) - 33)
    quality = bytes(min(126, max(33, round(q + shift))) for q in read.quality)
    return Read(read.name, read.sequence, quality)


def borderline(reads: list[Read]) -> list[Read]:
    """Reads near the threshold and of other lengths, made from the given reads by a fixed rule.

    A sequencing run has few such reads, and on reads far from the threshold engines agree even if one
    is faulty. Of four reads, two keep their length, one is cut to 35 to 149 bases, and one is joined
    to the next, with its own qualities three Phred higher and the next read's three Phred lower.
    """
    pool = [Read(r.name, r.sequence[: 2 * WINDOW], r.quality[: 2 * WINDOW]) for r in reads if r.is_scorable()]
    pool = pool[:MADE_READS]
    made = []
    for i, read in enumerate(pool):
        target = MADE_PHRED[0] + (MADE_PHRED[1] - MADE_PHRED[0]) * i / max(1, len(pool) - 1)
        if i % 4 == 1:
            length = 35 + i * 37 % 115
            read = Read(read.name, read.sequence[:length], read.quality[:length])
        read = shifted(read, target)
        if i % 4 == 3:
            up, down = shifted(read, target + 3), shifted(pool[(i + 1) % len(pool)], target - 3)
            read = Read("", up.sequence + down.sequence, up.quality + down.quality)
        made.append(Read(f"made{i}", read.sequence, read.quality))
    return made


def write_fastq(path: Path, reads: list[Read]) -> None:
    records = (b"@%s\n%s\n+\n%s\n" % (r.name.encode("latin-1"), r.sequence, r.quality) for r in reads)
    path.write_bytes(b"".join(records))


def window_starts(length: int) -> list[int]:
    """Starts 0, 150, 300, ..., and a last window that ends with the read."""
    if length <= WINDOW:
        return [0] if length else []
    starts = list(range(0, length - WINDOW + 1, WINDOW))
    if starts[-1] + WINDOW < length:
        starts.append(length - WINDOW)
    return starts


def window_weights(length: int) -> np.ndarray:
    """Weight of each window, float64 [windows], sum 1: the fraction of the read's bases in it.

    The weight of a base is split evenly between the windows that cover it.
    """
    starts = window_starts(length)
    covered = np.zeros(length)
    for start in starts:
        covered[start : start + WINDOW] += 1
    weights = np.array([(1 / covered[start : start + WINDOW]).sum() for start in starts])
    return weights / weights.sum()


def combine(probabilities: np.ndarray, length: int) -> float:
    """A read's probability from those of its windows, by the rule `base-weighted-mean-logit`."""
    if length <= WINDOW:
        return float(probabilities[0])
    p = np.clip(probabilities.astype(np.float64), CLAMP, 1 - CLAMP)
    logit = float(np.dot(window_weights(length), np.log(p) - np.log1p(-p)))
    return 1 / (1 + math.exp(-logit))


@dataclass
class Windows:
    """The windows of all scorable reads, concatenated.

    features : float32 [windows, 300]
    first : list [reads], the row of each read's first window, or None for an unscored read
    """

    reads: list[Read]
    features: np.ndarray
    first: list[int | None]

    def per_read(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities of the reads, float64 [reads], NaN for unscored ones, from float32 [windows]."""
        result = np.full(len(self.reads), np.nan)
        for i, (read, first) in enumerate(zip(self.reads, self.first, strict=True)):
            if first is not None:
                n = len(window_starts(len(read.sequence)))
                result[i] = combine(probabilities[first : first + n], len(read.sequence))
        return result


class Bm:
    """The `bm` program."""

    def __init__(self, path: Path, package: Path, folder: Path) -> None:
        self.path, self.package, self.folder = path, package, folder

    def run(self, *arguments: object) -> subprocess.CompletedProcess:
        command = [str(self.path.resolve()), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=BM_TIMEOUT_S, check=False)

    def encode(self, reads: list[Read]) -> Windows:
        """Cut the scorable reads into windows here, and encode each window as a read with `bm encode`."""
        pieces, first = [], []
        for read in reads:
            first.append(len(pieces) if read.is_scorable() else None)
            if read.is_scorable():
                for start in window_starts(len(read.sequence)):
                    cut = slice(start, start + WINDOW)
                    pieces.append(Read(f"w{len(pieces)}", read.sequence[cut], read.quality[cut]))
        features = self.encode_file(pieces, "windows")
        if features.shape != (len(pieces), FEATURES):
            raise ValueError(f"bm encode wrote {list(features.shape)} for {len(pieces)} windows")
        return Windows(reads, features, first)

    def encode_file(self, reads: list[Read], name: str) -> np.ndarray:
        source, target = self.folder / f"{name}.fastq", self.folder / f"{name}.npy"
        write_fastq(source, reads)
        result = self.run("encode", source, "-o", target)
        if result.returncode:
            raise ValueError(f"bm encode: exit {result.returncode}: {result.stderr.strip()}")
        features = np.load(target, allow_pickle=False)
        if features.dtype != np.float32:
            raise ValueError(f"bm encode wrote {features.dtype}, expected float32")
        return features

    def score(self, reads: list[Read], *options: object) -> tuple[np.ndarray, list[str]]:
        """Probabilities, float64 [reads], NaN for unscored reads, and verdicts, in input order."""
        source = self.folder / "reads.fastq"
        write_fastq(source, reads)
        result = self.run("score", source, "-m", self.package.resolve(), "-q", *options)
        if result.returncode:
            raise ValueError(f"bm score: exit {result.returncode}: {result.stderr.strip()}")
        lines = result.stdout.splitlines()
        header = lines[0].lstrip("#").split("\t") if lines else []
        if not {"read", "length", "probability", "verdict"} <= set(header):
            raise ValueError(f"bm score: header {header}")
        rows = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]
        if len(rows) != len(reads):
            raise ValueError(f"bm score: {len(rows)} rows for {len(reads)} reads")
        for number, (row, read) in enumerate(zip(rows, reads, strict=True), 1):
            if (row["read"].split() or [""])[0] != read.name or int(row["length"]) != len(read.sequence):
                raise ValueError(f"bm score: row {number} is {row['read']} ({row['length']}), expected {read.name}")
        return np.array([float(row["probability"]) for row in rows]), [row["verdict"] for row in rows]


# Engines in Python.


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_dense(model: bytes, features: np.ndarray, batch: int = 1024) -> np.ndarray:
    """model.onnx: float32 [windows, 300] → float32 [windows]."""
    engine = session(model)
    parts = [engine.run(None, {"features": features[i : i + batch]})[0] for i in range(0, len(features), batch)]
    return np.concatenate([np.zeros((0, 1), np.float32), *parts])[:, 0]


def run_static(model: bytes, features: np.ndarray) -> np.ndarray:
    """model.ane.onnx: float32 [windows, 300] → float32 [windows], S at a time, the last batch padded."""
    engine = session(model)
    size = engine.get_inputs()[0].shape[3]
    parts = [np.zeros(0, np.float32)]
    for i in range(0, len(features), size):
        part = features[i : i + size]
        padded = np.zeros((size, FEATURES), np.float32)
        padded[: len(part)] = part
        (out,) = engine.run(None, {"features": padded.T.reshape(1, FEATURES, 1, size)})  # [S, 300] -> [1, 300, 1, S]
        parts.append(out.reshape(size)[: len(part)])  # [1, 1, 1, S] -> [S]
    return np.concatenate(parts)


def run_rounded(layers: list[tuple[np.ndarray, np.ndarray]], features: np.ndarray) -> np.ndarray:
    """The float16 network in NumPy, every node's result rounded to float16, sums in float32.

    ONNX Runtime's CPU engine computes the float16 file in float32 and drops the roundings between
    nodes, so it shows the rounding of the weights only.
    """
    x = features.astype(np.float16)
    for i, (weight, bias) in enumerate(layers):
        sums = x.astype(np.float32) @ weight.astype(np.float32).T + bias.astype(np.float32)
        x = sums.astype(np.float16)  # [windows, outputs]
        if i < len(layers) - 1:
            x = np.maximum(x, np.float16(0))
    return (1 / (1 + np.exp(-x[:, 0].astype(np.float64)))).astype(np.float16).astype(np.float32)


# The parts of the validation.


@dataclass
class Package:
    path: Path
    manifest: dict
    dense: onnx.ModelProto
    ane: onnx.ModelProto

    def file(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    @staticmethod
    def load(path: Path) -> Package:
        # Without external data, because the files must be complete.
        models = [onnx.load(path / name, load_external_data=False) for name in FILES[:2]]
        return Package(path, json.loads((path / "manifest.json").read_text(encoding="utf-8")), *models)


def layers_of(model: onnx.ModelProto, op: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight [outputs, inputs] and bias [outputs] of each node of type `op`, in order."""
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    nodes = [n for n in model.graph.node if n.op_type == op]
    return [(tensors[n.input[1]].reshape(tensors[n.input[1]].shape[:2]), tensors[n.input[2]]) for n in nodes]


def interface(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    dims = [d.dim_param or str(d.dim_value) for d in tensor.shape.dim]
    return f"{value.name} {TensorProto.DataType.Name(tensor.elem_type).lower()} [{', '.join(dims)}]"


def check_files(report: Report, package: Package) -> None:
    """(a) ONNX checker, opset, interface, metadata."""
    manifest = package.manifest
    size = package.ane.graph.input[0].type.tensor_type.shape.dim[-1].dim_value
    dense_ops = ["Gemm", "Relu", "Gemm", "Relu", "Gemm", "Sigmoid"]
    ane_ops = ["Cast", "Conv", "Relu", "Conv", "Relu", "Conv", "Sigmoid", "Cast"]
    expected = {
        "model.onnx": (package.dense, 13, dense_ops, "features float [batch, 300]", "probability float [batch, 1]"),
        "model.ane.onnx": (package.ane, 17, ane_ops, f"features float [1, 300, 1, {size}]", f"probability float [1, 1, 1, {size}]"),
    }
    for name, (model, opset, ops, source, target) in expected.items():
        try:
            onnx.checker.check_model(model, full_check=True)
            report.check(f"{name}: ONNX checker", True)
        except Exception as error:
            report.check(f"{name}: ONNX checker", False, str(error).strip().splitlines()[0])
        opsets = {o.domain: o.version for o in model.opset_import}
        report.check(f"{name}: opset", opsets == {"": opset}, f"found {opsets}, expected {opset}")
        report.check(f"{name}: IR version", 0 < model.ir_version <= 8, f"{model.ir_version}, at most 8")
        found = [n.op_type for n in model.graph.node]
        report.check(f"{name}: nodes", found == ops, " ".join(found))
        inputs, outputs = [interface(v) for v in model.graph.input], [interface(v) for v in model.graph.output]
        report.check(f"{name}: input", inputs == [source], f"found {inputs}, expected {source}")
        report.check(f"{name}: output", outputs == [target], f"found {outputs}, expected {target}")
        check_metadata(report, name, model, manifest)
    report.check("model.ane.onnx: batch", size > 0 and size % 64 == 0, f"S = {size}, a multiple of 64")
    declared = {"input": {"name": "features", "shape": ["batch", FEATURES]}, "output": {"name": "probability", "shape": ["batch", 1]}}
    for key, value in declared.items():
        report.check(f"manifest: {key}", manifest[key] == value, manifest[key])
    window = {"length": WINDOW, "rule": WINDOW_RULE}
    report.check("manifest: window rule", manifest["window"] == window, manifest["window"])
    full, half = layers_of(package.dense, "Gemm"), layers_of(package.ane, "Conv")
    same = len(full) == len(half) and all(
        np.array_equal(w.astype(np.float16), v) and np.array_equal(b.astype(np.float16), c)
        for (w, b), (v, c) in zip(full, half, strict=True)
    )
    report.check("weights: model.ane.onnx holds those of model.onnx, rounded to float16", same)
    # CoreML caches a compiled model under the key, so other weights need another key.
    digest = hashlib.sha256(b"".join(a.tobytes() for layer in half for a in layer)).hexdigest()
    keys = [p.value for p in package.ane.metadata_props if p.key == coreml_rules.CACHE_KEY]
    report.check("model.ane.onnx: cache key follows from the weights", len(keys) == 1 and digest[:40] in keys[0], keys)


def check_metadata(report: Report, name: str, model: onnx.ModelProto, manifest: dict) -> None:
    found = {p.key: p.value for p in model.metadata_props}
    wanted = {
        "bm.id": manifest["id"], "bm.version": manifest["version"], "bm.task": manifest["task"],
        "bm.encoding": manifest["encoding"]["id"], "bm.encoding_version": manifest["encoding"]["version"],
        "bm.window_rule": manifest["window"]["rule"], "bm.window_length": manifest["window"]["length"],
        "bm.threshold": manifest["thresholds"]["default"], "bm.label": manifest["label"]["definition"],
    }  # fmt: skip
    wrong = [f"{k}: {found.get(k)!r}, manifest {v!r}" for k, v in wanted.items() if found.get(k) != str(v)]
    wrong += [f"{k}: unknown key" for k in found if k.startswith("bm.") and k not in wanted]
    if len(found) != len(model.metadata_props):
        wrong.append("a key stands twice")
    report.check(f"{name}: metadata agree with the manifest", not wrong, "; ".join(wrong))


def check_digests(report: Report, package: Package) -> None:
    """(b) Digest and size of each file; no model file that the manifest does not list."""
    listed = package.manifest["files"]
    for name in FILES:
        data = package.file(name)
        found = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        report.check(f"manifest: digest and size of {name}", listed.get(name) == found, f"found {found['sha256'][:12]}…, {len(data)} bytes")
    on_disk = {p.name for p in package.path.iterdir() if p.suffix in (".onnx", ".data", ".bin")}
    strangers = sorted((on_disk | set(listed)) - set(FILES))
    report.check("manifest: lists every model file", not strangers, ", ".join(strangers))


def check_coreml(report: Report, package: Package) -> None:
    """(c) CoreML rules on the shipped file, and on mutants of it, which must be refused."""
    violations = coreml_rules.check(package.ane)
    report.check("coreml rules: model.ane.onnx", not violations, "; ".join(map(str, violations[:3])))
    for name, (change, rule) in MUTANTS.items():
        mutant = onnx.ModelProto()
        mutant.CopyFrom(package.ane)
        change(mutant)
        rules = sorted({v.rule for v in coreml_rules.check(mutant)})
        report.check(f"coreml rules: mutant refused: {name}", rule in rules, f"by {', '.join(rules) or 'no rule'}")


def _first(model: onnx.ModelProto, op: str) -> onnx.NodeProto:
    return next(n for n in model.graph.node if n.op_type == op)


def _weight(model: onnx.ModelProto) -> TensorProto:
    return next(t for t in model.graph.initializer if t.name == _first(model, "Conv").input[1])


def _insert(model: onnx.ModelProto, op: str, *extra: str, **attributes: object) -> None:
    """Insert a node after the first Relu."""
    source = _first(model, "Relu").output[0]
    position = [n.op_type for n in model.graph.node].index("Relu") + 1
    for node in model.graph.node:
        for i, tensor in enumerate(node.input):
            if tensor == source:
                node.input[i] = "mutant"
    model.graph.node.insert(position, helper.make_node(op, [source, *extra], ["mutant"], **attributes))


def _batch(value: object) -> Callable:
    def change(model: onnx.ModelProto) -> None:
        for info in (model.graph.input[0], model.graph.output[0]):
            dim = info.type.tensor_type.shape.dim[3]
            if isinstance(value, str):
                dim.dim_param = value
            else:
                dim.dim_value = value
    return change


def _matmul(model: onnx.ModelProto) -> None:
    size = model.graph.input[0].type.tensor_type.shape.dim[3].dim_value
    model.graph.initializer.append(numpy_helper.from_array(np.eye(size, dtype=np.float16), "square"))
    _insert(model, "MatMul", "square")


def _auto_pad(model: onnx.ModelProto) -> None:
    _first(model, "Conv").attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER"))


def _external(model: onnx.ModelProto) -> None:
    weight = _weight(model)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")


def _no_values(model: onnx.ModelProto) -> None:
    for values in ("raw_data", "int32_data"):  # float16 values may be stored in either
        _weight(model).ClearField(values)


def _weight_as_input(model: onnx.ModelProto) -> None:
    weight = _weight(model)
    model.graph.input.append(helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.dims)))
    model.graph.initializer.remove(weight)


def _float32(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    for node in model.graph.node:
        if node.op_type == "Cast":
            next(a for a in node.attribute if a.name == "to").i = TensorProto.FLOAT


def _kernel(model: onnx.ModelProto) -> None:
    next(a for a in _first(model, "Conv").attribute if a.name == "kernel_shape").ints[:] = [1, 3]


def _no_bias(model: onnx.ModelProto) -> None:
    _first(model, "Conv").input.pop()


def _cache_key(value: str | None) -> Callable:
    def change(model: onnx.ModelProto) -> None:
        kept = {p.key: p.value for p in model.metadata_props if p.key != coreml_rules.CACHE_KEY}
        del model.metadata_props[:]
        helper.set_model_props(model, kept if value is None else kept | {coreml_rules.CACHE_KEY: value})
    return change


MUTANTS = {
    "dynamic batch": (_batch("batch"), "static-shape"),
    "batch of 0": (_batch(0), "zero-dimension"),
    "batch of 16,385": (_batch(16_385), "dimension"),
    "added Dropout": (lambda m: _insert(m, "Dropout"), "operator"),
    "added MatMul": (_matmul, "operator"),
    "added Identity": (lambda m: _insert(m, "Identity"), "operator"),
    "added Cast": (lambda m: _insert(m, "Cast", to=TensorProto.FLOAT16), "cast-place"),
    "auto_pad": (_auto_pad, "auto-pad"),
    "external data": (_external, "inline-constants"),
    "weight without values": (_no_values, "inline-constants"),
    "weight as an input": (_weight_as_input, "constant"),
    "no bias": (_no_bias, "constant"),
    "float32 arithmetic": (_float32, "half-precision"),
    "kernel_shape not the weight's": (_kernel, "conv-kernel-shape"),
    "foreign domain": (lambda m: setattr(_first(m, "Relu"), "domain", "com.microsoft"), "domain"),
    "opset 18": (lambda m: setattr(m.opset_import[0], "version", 18), "opset"),
    "no cache key": (_cache_key(None), "cache-key"),
    "cache key with a hyphen": (_cache_key("mean-q20"), "cache-key"),
    "cache key of 64 characters": (_cache_key("a" * 64), "cache-key"),
}


@dataclass
class Comparison:
    """Compares an engine's probabilities with the reference and adds a row to the table."""

    report: Report
    reference: np.ndarray
    threshold: float
    names: list[str]

    def add(self, backend: str, found: np.ndarray, tolerance: float, verdicts: list[str] | None = None, failure: str = "FAIL") -> None:
        """Compare the probabilities `found`, float [reads]; `failure` is the status if the tolerance is exceeded."""
        scored = ~np.isnan(self.reference)
        if found.shape != self.reference.shape or not np.array_equal(~np.isnan(found), scored):
            raise ValueError(f"{backend}: other reads are scored than in the reference")
        delta = np.abs(found - self.reference)[scored]
        passed = self.reference >= self.threshold
        if verdicts is None:
            verdicts = ["unscored" if math.isnan(p) else "pass" if p >= self.threshold else "fail" for p in found]
        expected = np.where(scored, np.where(passed, "pass", "fail"), "unscored")
        flips = np.flatnonzero(np.array(verdicts, dtype=object) != expected)
        # A verdict may differ if the reference is within the tolerance of the threshold.
        far = [i for i in flips if not abs(self.reference[i] - self.threshold) <= tolerance]
        worst = float(delta.max()) if len(delta) else 0.0
        status = "ok" if worst <= tolerance and not far else failure
        at = self.names[int(np.nanargmax(np.abs(found - self.reference)))] if len(delta) else ""
        self.row(backend, int(scored.sum()), worst, tolerance, len(flips), status, "" if status == "ok" else f"worst: {at}")

    def row(self, backend, reads=None, delta=None, tolerance=None, flips=None, status="ok", detail="") -> None:
        self.report.rows.append({
            "backend": backend, "reads": reads, "max_abs_delta_p": delta, "tolerance": tolerance,
            "flips_at_threshold": flips, "status": status, "detail": detail,
        })  # fmt: skip

    def section(self, backend: str, part: Callable[[], None]) -> None:
        try:
            part()
        except Exception as error:
            self.row(backend, status="FAIL", detail=f"{type(error).__name__}: {error}".splitlines()[0])


def check_parity(report: Report, package: Package, bm: Bm, reads: list[Read], ort_lib: Path | None) -> None:
    """(d) The given reads, and borderline reads made from them, through every engine."""
    made = borderline(reads)
    report.check("reads", bool(reads), f"{len(reads):,} given, {len(made):,} borderline ones made from them")
    reads = reads + made
    windows = bm.encode(reads)
    report.check("bm encode: features are finite", bool(np.isfinite(windows.features).all()), f"{len(windows.features)} windows")
    scorable = [r for r in reads if r.is_scorable()]
    whole = bm.encode_file(scorable, "whole")
    same = np.array_equal(whole, windows.features)
    report.check("bm encode: whole reads give the windows cut here", same, f"{len(whole)} rows of {len(windows.features)}")
    threshold = float(package.manifest["thresholds"]["default"])
    dense = run_dense(package.file("model.onnx"), windows.features)
    compare = Comparison(report, windows.per_read(dense), threshold, [r.name for r in reads])
    scored = int((~np.isnan(compare.reference)).sum())
    undecided = int(((compare.reference > 0.01) & (compare.reference < 0.99)).sum())
    report.check("reads: enough with a probability between 0.01 and 0.99", undecided >= UNDECIDED_READS, f"{undecided:,}")
    compare.row("python onnxruntime", scored, 0.0, 0.0, 0, detail=f"the reference, {onnxruntime.__version__}, CPU")

    def through_bm(backend: str, tolerance: float, *options: object) -> None:
        compare.section(f"bm {backend}", lambda: compare.add(
            f"bm {backend}", *_swap(bm.score(reads, "--backend", backend, *options), tolerance)))  # fmt: skip

    through_bm("embedded", F32_TOLERANCE)
    if ort_lib:
        through_bm("onnxruntime", F32_TOLERANCE, "--ort-lib", ort_lib.resolve())
    else:
        compare.row("bm onnxruntime", status="SKIPPED", detail="no --ort-lib given")
    library = ["--ort-lib", ort_lib.resolve()] if ort_lib else []
    if sys.platform == "darwin":
        through_bm("coreml", F16_TOLERANCE, *library)
    else:
        compare.section("bm coreml", lambda: refused(compare, bm, reads, library))

    # The float16 file is compared by window and by read: a float16 probability near 1 becomes 1, and
    # the window rule averages logits, so a long read of mixed quality can change more than its windows.
    # The network rounded in NumPy is not an engine but predicts one, so it warns instead of failing.
    single = Comparison(report, dense.astype(np.float64), threshold, [f"window {i + 1}" for i in range(len(dense))])
    files = {
        "model.ane.onnx, python CPU": (run_static(package.file("model.ane.onnx"), windows.features), "FAIL"),
        "model.ane.onnx, rounded": (run_rounded(layers_of(package.ane, "Conv"), windows.features), "WARN"),
    }
    for name, (found, failure) in files.items():
        compare.section(name, lambda name=name, found=found, failure=failure: single.add(
            f"{name}, windows", found.astype(np.float64), F16_TOLERANCE, failure=failure))  # fmt: skip
        compare.section(name, lambda name=name, found=found, failure=failure: compare.add(
            f"{name}, reads", windows.per_read(found), F16_TOLERANCE, failure=failure))  # fmt: skip


def _swap(scored: tuple[np.ndarray, list[str]], tolerance: float) -> tuple[np.ndarray, float, list[str]]:
    return scored[0], tolerance, scored[1]


def refused(compare: Comparison, bm: Bm, reads: list[Read], library: list) -> None:
    """Without CoreML, requesting it by name must be an error of one line, not a silent run on the CPU."""
    source = bm.folder / "reads.fastq"
    write_fastq(source, reads)
    result = bm.run("score", source, "-m", bm.package.resolve(), "-q", "--backend", "coreml", *library)
    lines = result.stderr.strip().splitlines()
    ok = result.returncode == 1 and len(lines) == 1 and not result.stdout.strip()
    detail = "refused on this system, as it must be" if ok else f"exit {result.returncode}, {len(lines)} lines on stderr, expected 1 and 1"
    compare.row("bm coreml", status="ok" if ok else "FAIL", detail=detail)


def check_golden(report: Report, package: Package, bm: Bm, ort_lib: Path | None) -> None:
    """(e) The golden reads through Python and `bm`."""
    golden = json.loads(package.file("golden.json"))
    reads = [Read(f"golden{i}", g["sequence"].encode(), g["quality"].encode()) for i, g in enumerate(golden["reads"])]
    if not report.check("golden: reads", bool(reads), len(reads)):
        return
    unscored = [g["name"] for g, read in zip(golden["reads"], reads, strict=True) if not read.is_scorable()]
    if not report.check("golden: every read has a base to score", not unscored, ", ".join(unscored)):
        return  # bm leaves such reads unscored, so there is no probability to compare
    tolerance = float(golden["tolerance"])
    report.check("golden: tolerance", 0 < tolerance <= F32_TOLERANCE, tolerance)
    expected = np.array([float(g["probability"]) for g in golden["reads"]])
    threshold = float(package.manifest["thresholds"]["default"])
    both = bool((expected >= threshold).any() and (expected < threshold).any())
    report.check("golden: both verdicts", both, f"{int((expected >= threshold).sum())} of {len(reads)} pass")
    lengths = [len(r.sequence) for r in reads]
    report.check("golden: shorter and longer than one window", min(lengths) < WINDOW < max(lengths), f"{min(lengths)} to {max(lengths)} bases")
    compare = Comparison(report, expected, threshold, [g["name"] for g in golden["reads"]])

    def through_python() -> None:
        windows = bm.encode(reads)
        found = windows.per_read(run_dense(package.file("model.onnx"), windows.features))
        compare.add("golden, python onnxruntime", found, tolerance)

    compare.section("golden, python onnxruntime", through_python)
    backends = [("embedded", [])] + ([("onnxruntime", ["--ort-lib", ort_lib.resolve()])] if ort_lib else [])
    for backend, options in backends:
        name = f"golden, bm {backend}"
        compare.section(name, lambda name=name, backend=backend, options=options: compare.add(
            name, *_swap(bm.score(reads, "--backend", backend, *options), tolerance)))  # fmt: skip


def render(report: Report, stream) -> None:
    for entry in report.checks:
        detail = f"  ({entry['detail']})" if entry["detail"] else ""
        print(f"{entry['status']:<5} {entry['name']}{detail}", file=stream)
    head = ("backend", "reads", "max abs Δp", "tolerance", "flips at threshold", "")
    table = [head]
    for row in report.rows:
        numbers = [
            "-" if row["reads"] is None else f"{row['reads']:,}",
            "-" if row["max_abs_delta_p"] is None else f"{row['max_abs_delta_p']:.1e}",
            "-" if not row["tolerance"] else f"{row['tolerance']:.0e}",
            "-" if row["flips_at_threshold"] is None else str(row["flips_at_threshold"]),
        ]
        table.append((row["backend"], *numbers, row["status"] + (f"  {row['detail']}" if row["detail"] else "")))
    widths = [max(len(line[i]) for line in table) for i in range(5)]
    print(file=stream)
    for line in table:
        cells = [line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in range(1, 5)), line[5]]
        print(" | ".join(cells).rstrip(), file=stream)
    skipped = [row["backend"] for row in report.rows if row["status"] == "SKIPPED"]
    if skipped:
        print(f"\nSKIPPED: {', '.join(skipped)}", file=stream)
    counts = {s: sum(e["status"] == s for e in [*report.checks, *report.rows]) for s in ("ok", "FAIL", "WARN", "SKIPPED")}
    print(f"\n{counts['ok']} ok, {counts['FAIL']} failed, {counts['WARN']} warnings, {counts['SKIPPED']} skipped", file=stream)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", type=Path, required=True, help="folder of the model package")
    parser.add_argument("--bm", type=Path, required=True, help="the bm program")
    parser.add_argument("--reads", type=Path, required=True, nargs="+", help="FASTQ files, four-line records, plain or gzip")
    parser.add_argument("--ort-lib", type=Path, help="ONNX Runtime library for bm's onnxruntime backend")
    parser.add_argument("--json", action="store_true", help="the result alone on stdout, the table on stderr")
    options = parser.parse_args()

    report = Report()
    with tempfile.TemporaryDirectory(prefix="bm-validate-") as folder:
        report.section("package", lambda: validate(report, options, Path(folder)))
    render(report, sys.stderr if options.json else sys.stdout)
    if options.json:
        result = {"package": options.package.name, "onnxruntime": onnxruntime.__version__, "failed": report.failed()}
        print(json.dumps(result | asdict(report), indent=2))
    return 1 if report.failed() else 0


def validate(report: Report, options: argparse.Namespace, folder: Path) -> None:
    package = Package.load(options.package)
    report.section("files", lambda: check_files(report, package))
    report.section("manifest", lambda: check_digests(report, package))
    report.section("coreml rules", lambda: check_coreml(report, package))
    bm = Bm(options.bm, options.package, folder)
    reads = [read for path in options.reads for read in load_reads(path)]
    report.section("parity", lambda: check_parity(report, package, bm, reads, options.ort_lib))
    report.section("golden", lambda: check_golden(report, package, bm, options.ort_lib))


if __name__ == "__main__":
    sys.exit(main())
