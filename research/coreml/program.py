"""Writes the file for Core ML as a typed ML program, node by node, as ONNX Runtime's provider does, and saves it as .mlpackage.

The rules are those of the provider's builders (``core/providers/coreml/builders/impl/*_op_builder.cc``, ML Program branch): one
operation a node, with the ONNX names; ``pads`` become ``pad_type = custom`` with begin and end of each axis side by side;
nothing is converted, fused or reordered. coremltools checks the types and shapes of each operation as it is added.

An operator without a translation is refused: look its builder up, then add it here and in ``checks.OPERATIONS``.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

import quiet  # noqa: F401  (before coremltools)
import coremltools as ct
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Function, Program, Var, types

TARGET = ct.target.macOS14  # the oldest system that the backend for Core ML supports
CAST_NAMES = {TensorProto.FLOAT: "fp32", TensorProto.FLOAT16: "fp16"}


class Refused(Exception):
    """The file cannot be written as an ML program."""


def cast(node: NodeProto, inputs: list) -> Var:
    to = _attributes(node)["to"]
    if to not in CAST_NAMES:
        raise Refused(f"{_name(node)}: Cast to {TensorProto.DataType.Name(to)}")
    return mb.cast(x=inputs[0], dtype=CAST_NAMES[to], name=node.output[0])


def conv(node: NodeProto, inputs: list) -> Var:
    attributes = _attributes(node)
    unknown = attributes.keys() - {"kernel_shape", "strides", "dilations", "group", "pads"}
    if unknown:
        raise Refused(f"{_name(node)}: Conv with {', '.join(sorted(unknown))}")
    spatial = inputs[1].ndim - 2
    more = {"bias": inputs[2]} if len(inputs) > 2 else {}
    if "pads" in attributes:
        begins, ends = attributes["pads"][:spatial], attributes["pads"][spatial:]
        more |= {"pad_type": "custom", "pad": [pad for both in zip(begins, ends, strict=True) for pad in both]}
    else:
        more["pad_type"] = "valid"
    return mb.conv(
        x=inputs[0],
        weight=inputs[1],
        strides=attributes.get("strides", [1] * spatial),
        dilations=attributes.get("dilations", [1] * spatial),
        groups=attributes.get("group", 1),
        name=node.output[0],
        **more,
    )


TRANSLATIONS: dict[str, Callable[[NodeProto, list], Var]] = {
    "Add": lambda node, inputs: mb.add(x=inputs[0], y=inputs[1], name=node.output[0]),
    "Cast": cast,
    "Conv": conv,
    "Relu": lambda node, inputs: mb.relu(x=inputs[0], name=node.output[0]),
    "Sigmoid": lambda node, inputs: mb.sigmoid(x=inputs[0], name=node.output[0]),
}


def build(model: ModelProto) -> Program:
    """The ML program of a file. Raises `Refused` for an operator without a translation, and for what coremltools refuses."""
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    inputs = {value.name: mb.placeholder(shape=_shape(value), dtype=types.fp32) for value in graph.input}
    program = Program()
    with Function(inputs, opset_version=TARGET) as main:
        values = constants | dict(main.inputs)
        for node in graph.node:
            if node.domain not in ("", "ai.onnx") or node.op_type not in TRANSLATIONS:
                raise Refused(f"{_name(node)}: no translation of {node.domain}{node.op_type}")
            try:
                values[node.output[0]] = TRANSLATIONS[node.op_type](node, [values[name] for name in node.input])
            except (AssertionError, TypeError, ValueError) as error:  # what coremltools raises
                raise Refused(f"{_name(node)}: {str(error).strip().splitlines()[0]}") from error
        main.set_outputs([values[value.name] for value in graph.output])
    program.add_function("main", main)
    return program


def save(program: Program, path: Path) -> None:
    """Write the program as it is. coremltools is asked for no conversion; `checks.check` compares what it wrote."""
    with contextlib.redirect_stderr(io.StringIO()):  # progress bars
        package = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=TARGET,
            compute_precision=ct.precision.FLOAT32,  # means: leave the types alone
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )
    package.save(str(path))


def saved(path: Path) -> tuple[object, Program]:
    """The description and the program of an .mlpackage, with the weights from its own file."""
    package = ct.models.MLModel(str(path), skip_model_load=True)
    description = package.get_spec()
    return description, load(description, description.specificationVersion, package.weights_dir)


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    dims = value.type.tensor_type.shape.dim
    if not all(dim.dim_value > 0 for dim in dims):
        raise Refused(f"{value.name}: shape {[dim.dim_param or dim.dim_value for dim in dims]} is not fixed")
    return [dim.dim_value for dim in dims]


def _name(node: NodeProto) -> str:
    return node.name or node.output[0]


def _attributes(node: NodeProto) -> dict:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
