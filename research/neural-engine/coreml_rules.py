"""Checks whether CoreML, through ONNX Runtime, would accept every node of a model file; runs on any system.

    python research/neural-engine/coreml_rules.py --model models/mean-q20/model.ane.onnx

ONNX Runtime's CoreML provider decides node by node whether to claim it. A node that it does not claim
runs on the CPU, silently unless that is forbidden. The rules below are the conditions of this claim
test for the MLProgram format, as far as this project's networks need them, and a few conditions of
the Neural Engine itself (float16 arithmetic, a cache key). Operators that are not listed are refused:
they may be claimed in practice, but this has not been checked.

The check reads the source file, not a graph written by a CPU session, because the CPU's optimiser
turns float16 back into float32.

Every claim test accepts a model without violations. This does not prove that CoreML compiles the
model or that the Neural Engine runs it; RESEARCH_NOTES.md describes how to find out on a Mac.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto

MAX_RANK = 5
MAX_DIMENSION = 16_384  # Core ML's limit for convolutions; applied to every tensor here
MAX_KERNEL_WIDTH = 13
# Later opsets change arguments (in 18, ReduceMean's axes become an input), and the rules per operator
# would have to change too.
OPSETS = range(13, 18)
CACHE_KEY = "COREML_CACHE_KEY"
CACHE_KEY_FORM = re.compile(r"[0-9A-Za-z]{1,63}")

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)
CAST_TYPES = (*FLOATS, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL)

# Operator → attributes that may be present. A node with any other attribute is refused.
OPERATORS = {
    "Cast": {"to"},
    "Conv": {"kernel_shape", "pads", "strides", "dilations", "group", "auto_pad"},
    "Gemm": {"transA", "transB", "alpha", "beta"},
    "Relu": set(),
    "Sigmoid": set(),
    "Tanh": set(),
    "Add": set(),
    "Sub": set(),
    "Mul": set(),
    "Max": set(),
    "Reshape": {"allowzero"},
    "AveragePool": {"kernel_shape", "pads", "strides", "count_include_pad", "ceil_mode", "auto_pad"},
    "MaxPool": {"kernel_shape", "pads", "strides", "ceil_mode", "auto_pad"},
    "GlobalAveragePool": set(),
    "GlobalMaxPool": set(),
    "ReduceMean": {"axes", "keepdims"},
    "LayerNormalization": {"axis", "epsilon", "stash_type"},
}
POOLS = {"AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool"}
SAME_TYPE = {"Add", "Sub", "Mul", "Max"}


@dataclass(frozen=True)
class Violation:
    """One rule that one node (or the file) breaks."""

    node: str
    rule: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.node}: {self.rule}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True)
class Value:
    """Element type and shape of a tensor; a dimension that is not fixed is its name or None."""

    elem_type: int
    shape: tuple | None

    def is_static(self) -> bool:
        return self.shape is not None and all(isinstance(d, int) for d in self.shape)

    def __str__(self) -> str:
        return "unknown shape" if self.shape is None else str(list(self.shape))


def check(model: ModelProto) -> list[Violation]:
    """Violations of the rules, in file order; empty if there are none.

    Parameters
    ----------
    model : onnx.ModelProto
        The unchanged file, loaded without its external data
        (``onnx.load(path, load_external_data=False)``).
    """
    return _Checker(model).run()


class _Checker:
    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.graph = model.graph
        self.violations: list[Violation] = []
        self.inputs = {value.name for value in self.graph.input}
        self.outputs = {value.name for value in self.graph.output}
        # A tensor that is also an input can be replaced at run time, so it is not a constant.
        self.constants = {t.name for t in self.graph.initializer if t.name not in self.inputs}
        self.values: dict[str, Value] = {}
        self.reported: set[str] = set()  # tensors whose shape has been checked

    def run(self) -> list[Violation]:
        self.file()
        self.initializers()
        self.infer()
        self.graph_values()
        for index, node in enumerate(self.graph.node):
            self.node(node, node.name or f"{node.op_type}#{index}")
        return self.violations

    def deny(self, node: str, rule: str, found: object, expected: object) -> None:
        self.violations.append(Violation(node, rule, str(found), str(expected)))

    # The file as a whole.

    def file(self) -> None:
        opsets = {o.domain or "ai.onnx": o.version for o in self.model.opset_import}
        version = opsets.get("ai.onnx", 0)
        if version not in OPSETS:
            self.deny("(model)", "opset", version, f"{OPSETS[0]} to {OPSETS[-1]}")
        if self.model.functions:
            self.deny("(model)", "functions", len(self.model.functions), "none: a function hides its operators")
        if self.graph.sparse_initializer:
            self.deny("(model)", "inline-constants", "a sparse initializer", "dense initializers")
        keys = [p.value for p in self.model.metadata_props if p.key == CACHE_KEY]
        if len(keys) != 1 or not CACHE_KEY_FORM.fullmatch(keys[0]):
            self.deny("(model)", "cache-key", keys or f"no {CACHE_KEY}", "one key, 1 to 63 letters and digits")

    def initializers(self) -> None:
        for tensor in self.graph.initializer:
            if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
                self.deny(tensor.name, "inline-constants", "external data", "the values in the file")
                continue
            if tensor.name in self.inputs:
                self.deny(tensor.name, "constant", "an initializer that is also an input", "one that cannot be replaced")
            try:
                size = onnx.numpy_helper.to_array(tensor).size
            except Exception as error:  # onnx raises whatever NumPy did
                self.deny(tensor.name, "inline-constants", f"unreadable values ({error})", "the values in the file")
                continue
            if size != prod(tensor.dims):
                self.deny(tensor.name, "inline-constants", f"{size} values", f"{prod(tensor.dims)}")

    def infer(self) -> None:
        """Fill `values` with types and shapes that follow from the inputs.

        Shapes that the file states for inner tensors are dropped first, so that none is believed.
        """
        bare = ModelProto()
        bare.CopyFrom(self.model)
        del bare.graph.value_info[:]
        try:
            inferred = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
        except Exception as error:  # InferenceError, and others for files that are no graph
            self.deny("(graph)", "shape-inference", str(error).strip().splitlines()[0], "types and shapes that agree")
            try:
                inferred = onnx.shape_inference.infer_shapes(bare)
            except Exception:
                inferred = bare
        for value in [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]:
            self.values[value.name] = _value(value)
        for tensor in self.graph.initializer:
            self.values.setdefault(tensor.name, Value(tensor.data_type, tuple(tensor.dims)))

    def graph_values(self) -> None:
        for value in [*self.graph.input, *self.graph.output]:
            elem_type = value.type.tensor_type.elem_type
            if value.name not in self.constants and elem_type != TensorProto.FLOAT:
                self.deny(value.name, "input-output-type", _type_name(elem_type), "float32")
            # Inputs and outputs as declared, not as inferred: the declaration is what CoreML is given.
            self.shape(value.name, _value(value))

    def shape(self, name: str, value: Value) -> None:
        """Rules for the shape of any tensor."""
        if not value.is_static():
            self.deny(name, "static-shape", value, "every dimension fixed")
            return
        if len(value.shape) > MAX_RANK:
            self.deny(name, "rank", len(value.shape), f"at most {MAX_RANK}")
        if any(d <= 0 for d in value.shape):
            self.deny(name, "zero-dimension", value, "dimensions of at least 1")
        if any(d > MAX_DIMENSION for d in value.shape):
            self.deny(name, "dimension", value, f"at most {MAX_DIMENSION} each")

    # One node.

    def node(self, node: NodeProto, name: str) -> None:
        if node.domain not in ("", "ai.onnx"):
            self.deny(name, "domain", node.domain, "ai.onnx")
            return
        if node.op_type not in OPERATORS:
            self.deny(name, "operator", node.op_type, f"one of {', '.join(OPERATORS)}")
            return
        for attribute in node.attribute:
            if attribute.name not in OPERATORS[node.op_type]:
                self.deny(name, "attribute", attribute.name, f"one of {sorted(OPERATORS[node.op_type])}")
        if len([o for o in node.output if o]) != 1:
            self.deny(name, "outputs", len(node.output), "one output")
        if not node.input or not node.input[0]:
            self.deny(name, "inputs", "no input", "at least one")
            return
        # A shape is checked once, and reported for the node that makes the tensor.
        for kind, tensors in (("input", node.input), ("output", node.output)):
            for tensor in tensors:
                if tensor and tensor not in self.inputs | self.outputs | self.reported:
                    self.reported.add(tensor)
                    self.shape(f"{name} {kind} {tensor}", self.value(tensor))
        if node.op_type == "Cast":
            self.cast(node, name)
            return
        self.float_inputs(node, name)
        rule = {
            "Conv": self.conv, "Gemm": self.gemm, "Reshape": self.reshape,
            "ReduceMean": self.reduce_mean, "LayerNormalization": self.layer_norm,
        }.get(node.op_type)  # fmt: skip
        if node.op_type in POOLS:
            rule = self.pool
        if node.op_type in SAME_TYPE:
            rule = self.same_type
        if rule:
            rule(node, name)

    def value(self, tensor: str) -> Value:
        """The known type and shape of a tensor. If they are unknown, `static-shape` reports it and rules on types are skipped."""
        return self.values.get(tensor, Value(TensorProto.UNDEFINED, None))

    def float_inputs(self, node: NodeProto, name: str) -> None:
        elem_type = self.value(node.input[0]).elem_type
        if elem_type not in (*FLOATS, TensorProto.UNDEFINED):
            self.deny(name, "type", _type_name(elem_type), "float32 or float16")

    def constant(self, node: NodeProto, name: str, index: int, what: str) -> bool:
        """Whether input `index` exists and is constant; reports a violation otherwise."""
        tensor = node.input[index] if index < len(node.input) else ""
        if tensor in self.constants:
            return True
        self.deny(name, "constant", f"{what} {tensor or 'missing'}", f"{what} an inline initializer")
        return False

    def cast(self, node: NodeProto, name: str) -> None:
        attributes = _attributes(node)
        source, target = self.value(node.input[0]).elem_type, attributes.get("to", TensorProto.UNDEFINED)
        for elem_type in (source or TensorProto.FLOAT, target):
            if elem_type not in CAST_TYPES:
                self.deny(name, "cast-type", _type_name(elem_type), "float32, float16, int32, int64 or bool")
        if node.input[0] not in self.inputs and node.output[0] not in self.outputs:
            self.deny(name, "cast-place", "a Cast between other nodes", "Cast at the entry and the exit only")

    def conv(self, node: NodeProto, name: str) -> None:
        attributes = _attributes(node)
        if self.constant(node, name, 1, "weight"):
            weight = self.value(node.input[1])
            if len(weight.shape) == 4:
                self.conv_kernel(name, attributes, list(weight.shape[2:]))
            else:
                self.deny(name, "conv-rank", f"weight {weight}", "rank 4")
        self.constant(node, name, 2, "bias")
        data = self.value(node.input[0])
        if data.is_static() and len(data.shape) != 4:
            self.deny(name, "conv-rank", f"input {data}", "rank 4: (batch, channels, 1, length)")
        self.no_auto_pad(attributes, name)
        for key in ("strides", "dilations"):
            if any(v < 1 for v in attributes.get(key, [])):
                self.deny(name, f"conv-{key}", attributes[key], "positive")
        self.half_precision(node, name)

    def conv_kernel(self, name: str, attributes: dict, weight: list) -> None:
        kernel = attributes.get("kernel_shape")
        if kernel != weight:
            self.deny(name, "conv-kernel-shape", kernel or "no kernel_shape", f"{weight}, the weight's")
        if weight[0] != 1 or weight[1] > MAX_KERNEL_WIDTH:
            self.deny(name, "conv-kernel-size", weight, f"[1, k], k at most {MAX_KERNEL_WIDTH}")
        pads = attributes.get("pads", [0, 0, 0, 0] if weight[1] == 1 else None)
        if pads is None or len(pads) != 4 or any(p < 0 for p in pads):
            self.deny(name, "conv-pads", pads or "no pads", "four explicit pads, none negative")

    def gemm(self, node: NodeProto, name: str) -> None:
        attributes = _attributes(node)
        found = (attributes.get("transA", 0), attributes.get("transB", 0))
        if found != (0, 1):
            self.deny(name, "gemm-transpose", f"transA {found[0]}, transB {found[1]}", "transA 0, transB 1")
        found = (attributes.get("alpha", 1.0), attributes.get("beta", 1.0))
        if found != (1.0, 1.0):
            self.deny(name, "gemm-scale", f"alpha {found[0]}, beta {found[1]}", "alpha 1, beta 1")
        if self.constant(node, name, 1, "B") and self.constant(node, name, 2, "C"):
            if len(self.value(node.input[1]).shape) != 2:
                self.deny(name, "gemm-rank", f"B {self.value(node.input[1])}", "rank 2")
                return
            outputs = self.value(node.input[1]).shape[0]
            if self.value(node.input[2]).shape not in ((outputs,), (1, outputs)):
                self.deny(name, "gemm-bias-shape", self.value(node.input[2]), f"[{outputs}] or [1, {outputs}]")
        self.half_precision(node, name)

    def half_precision(self, node: NodeProto, name: str) -> None:
        """Arithmetic must be float16: float32 arithmetic is claimed too, but does not run on the Neural Engine."""
        elem_type = self.value(node.input[0]).elem_type
        if elem_type not in (TensorProto.FLOAT16, TensorProto.UNDEFINED):
            self.deny(name, "half-precision", _type_name(elem_type), "float16")

    def same_type(self, node: NodeProto, name: str) -> None:
        types = {self.value(tensor).elem_type for tensor in node.input}
        if len(types) != 1:
            self.deny(name, "same-type", sorted(map(_type_name, types)), "one type")

    def reshape(self, node: NodeProto, name: str) -> None:
        self.constant(node, name, 1, "shape")
        if _attributes(node).get("allowzero", 0):
            self.deny(name, "reshape-allowzero", 1, 0)

    def pool(self, node: NodeProto, name: str) -> None:
        attributes = _attributes(node)
        data = self.value(node.input[0])
        if data.is_static() and len(data.shape) != 4:
            self.deny(name, "pool-rank", data, "rank 4")
        if not node.op_type.startswith("Global") and len(attributes.get("kernel_shape", [])) != 2:
            self.deny(name, "pool-kernel", attributes.get("kernel_shape", "no kernel_shape"), "two numbers")
        if attributes.get("ceil_mode", 0):
            self.deny(name, "pool-ceil-mode", 1, 0)
        self.no_auto_pad(attributes, name)

    def no_auto_pad(self, attributes: dict, name: str) -> None:
        if attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            self.deny(name, "auto-pad", attributes["auto_pad"].decode(errors="replace"), "no auto_pad")

    def reduce_mean(self, node: NodeProto, name: str) -> None:
        if not _attributes(node).get("axes"):
            self.deny(name, "reduce-axes", "no axes", "axes as an attribute")

    def layer_norm(self, node: NodeProto, name: str) -> None:
        self.constant(node, name, 1, "scale")
        self.constant(node, name, 2, "bias")


def _attributes(node: NodeProto) -> dict:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute if a.type != AttributeProto.GRAPH}


def _value(info: onnx.ValueInfoProto) -> Value:
    tensor = info.type.tensor_type
    if not tensor.HasField("shape"):
        return Value(tensor.elem_type, None)
    dims = [d.dim_value if d.HasField("dim_value") else (d.dim_param or None) for d in tensor.shape.dim]
    return Value(tensor.elem_type, tuple(dims))


def _type_name(elem_type: int) -> str:
    names = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}
    return names.get(elem_type, TensorProto.DataType.Name(elem_type).lower())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="ONNX file")
    parser.add_argument("--json", action="store_true", help="violations as JSON on stdout")
    options = parser.parse_args()
    violations = check(onnx.load(options.model, load_external_data=False))
    if options.json:
        print(json.dumps([asdict(v) for v in violations], indent=2))
    for violation in violations:
        print(f"{options.model}: {violation}", file=sys.stderr)
    if not violations:
        print(f"{options.model}: every node passes the claim test of CoreML (MLProgram)", file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
