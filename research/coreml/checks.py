"""What a saved ML program must be: deny by default.

The operations, their types and shapes are compared with the ONNX file, and with what the Neural Engine needs: float16 arithmetic
(it computes in nothing else), fixed shapes, small dimensions. `program.saved` gives the program as Core ML would read it.
"""

from __future__ import annotations

from math import prod

import onnx
from onnx import ModelProto

import quiet  # noqa: F401  (before coremltools)
from coremltools.converters.mil.mil import Operation, Program, Var, types

OPERATIONS = {"Add": "add", "Cast": "cast", "Conv": "conv", "Relu": "relu", "Sigmoid": "sigmoid"}  # ONNX → ML program
SPECIFICATION = 8  # Core ML 7: macOS 14, iOS 17
FLOAT32 = 65568  # ArrayFeatureType.FLOAT32
MAX_DIMENSION = 16_384  # Core ML's limit for convolutions; applied to every tensor here
RANK = 4  # (batch, channels, 1, length)


def check(description: object, program: Program, model: ModelProto) -> list[str]:
    """What is wrong with a saved program, in words; empty if nothing is.

    Parameters
    ----------
    description : Model_pb2.Model
        The description of the package.
    program : Program
        The program that was read from it.
    model : onnx.ModelProto
        The file from which the program was written.
    """
    faults = []
    if description.specificationVersion != SPECIFICATION:
        faults.append(f"specification {description.specificationVersion}, expected {SPECIFICATION}")
    shapes = _shapes(model)
    for kind, values, features in (
        ("input", model.graph.input, description.description.input),
        ("output", model.graph.output, description.description.output),
    ):
        wanted = [(value.name, FLOAT32, shapes[value.name]) for value in values]
        # The shape of an output is not part of the description.
        found = [(each.name, each.type.multiArrayType.dataType, tuple(each.type.multiArrayType.shape) or shapes.get(each.name)) for each in features]
        if found != wanted:
            faults.append(f"{kind}s {found}, expected {wanted}")
    if list(program.functions) != ["main"]:
        return [*faults, f"functions {list(program.functions)}, expected main"]
    main = program.functions["main"]
    operations = [each for each in main.operations if each.op_type != "const"]
    wanted = [OPERATIONS.get(node.op_type, f"nothing for {node.op_type}") for node in model.graph.node]
    if [each.op_type for each in operations] != wanted:
        faults.append(f"operations {[each.op_type for each in operations]}, expected {wanted}")
    for each in operations:
        faults.extend(f"{each.name}: {fault}" for fault in _operation(each, main, shapes))
    return faults


def _operation(operation: Operation, main: object, shapes: dict) -> list[str]:
    faults = []
    if operation.op_type not in OPERATIONS.values():
        faults.append(f"operation {operation.op_type} is not allowed")
    if operation.blocks:
        faults.append("a block within an operation")
    if len(operation.outputs) != 1:
        return [*faults, f"{len(operation.outputs)} outputs, expected one"]
    output = operation.outputs[0]
    if output.shape != shapes.get(output.name):
        faults.append(f"shape {output.shape}, expected {shapes.get(output.name)}")
    for value in (output, *_tensors(operation)):
        if not all(isinstance(dim, int) for dim in value.shape):
            faults.append(f"{value.name}: shape {value.shape} is not fixed")
        elif not prod(value.shape) or max(value.shape) > MAX_DIMENSION or len(value.shape) > RANK:
            faults.append(f"{value.name}: shape {value.shape}, expected rank {RANK} or less and dimensions from 1 to {MAX_DIMENSION}")
    if operation.op_type == "cast":
        is_entry = operation.x in main.inputs.values() and (operation.x.dtype, output.dtype) == (types.fp32, types.fp16)
        is_exit = output in main.outputs and (operation.x.dtype, output.dtype) == (types.fp16, types.fp32)
        if not (is_entry or is_exit):
            faults.append("a cast that is neither that of an input to float16 nor that of an output to float32")
    else:
        for value in (output, *_tensors(operation)):
            if value.dtype != types.fp16:
                faults.append(f"{value.name} is {types.builtin_to_string(value.dtype)}, expected fp16")
    return faults


def _tensors(operation: Operation) -> list[Var]:
    """The inputs that hold numbers of the network: not strides, pads and the like."""
    return [value for name, value in operation.inputs.items() if name in ("x", "y", "weight", "bias")]


def _shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    graph = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    return {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values}
