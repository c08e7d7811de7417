"""Computes a saved ML program on this machine.

coremltools runs models on macOS only. Elsewhere it computes single operations whose inputs are all constant; that is used
here, operation by operation, with the weights and the arguments of the saved program. It cannot compute a convolution: NumPy
does, with sums in float32 and results in float16. Every other result is in the type that the program gives it.
"""

from __future__ import annotations

import numpy as np

import quiet  # noqa: F401  (before coremltools)
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Function, Operation, Program

from program import TARGET

COMPUTED = ("add", "cast", "relu", "sigmoid")  # by coremltools


def compute(program: Program, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of a program by name, from arrays of its inputs."""
    main = program.functions["main"]
    values = dict(inputs)
    for operation in main.operations:
        if operation.op_type == "const":
            values[operation.outputs[0].name] = operation.outputs[0].val
            continue
        arguments = {name: values[value.name] for name, value in operation.inputs.items() if value is not None}
        if operation.op_type == "conv":
            result = convolution(**arguments)
        elif operation.op_type in COMPUTED:
            result = constant(operation, arguments)
        else:
            raise ValueError(f"{operation.name}: nothing computes {operation.op_type} here")
        values[operation.outputs[0].name] = result
    return {value.name: values[value.name] for value in main.outputs}


def constant(operation: Operation, arguments: dict) -> np.ndarray:
    """An operation by coremltools' inference of constant values."""
    with np.errstate(over="ignore"), Function({}, opset_version=TARGET) as scratch:  # exp(-x) in float16 may be infinite: 1 / inf is 0
        value = getattr(mb, operation.op_type)(**arguments).val
        scratch.set_outputs([])
    return np.asarray(value)


def convolution(x: np.ndarray, weight: np.ndarray, strides: np.ndarray, dilations: np.ndarray, groups: int, pad_type: str,
                pad: np.ndarray | None = None, bias: np.ndarray | None = None) -> np.ndarray:
    """A convolution of x [batch, channels, height, width] with weights [outputs, channels, kernel height, kernel width]."""
    if groups != 1 or {*strides, *dilations} != {1} or pad_type not in ("valid", "custom"):
        raise ValueError(f"a convolution of {groups} groups, strides {strides}, dilations {dilations} and padding {pad_type} is not computed here")
    if pad_type == "custom":
        x = np.pad(x, ((0, 0), (0, 0), tuple(pad[:2]), tuple(pad[2:])))
    height, width = (x.shape[2 + axis] - weight.shape[2 + axis] + 1 for axis in range(2))
    wide, sums = x.astype(np.float32), np.zeros((len(x), len(weight), height, width), np.float32)
    for i, j in np.ndindex(weight.shape[2:]):
        sums += np.einsum("oc,bchw->bohw", weight[:, :, i, j].astype(np.float32), wide[:, :, i : i + height, j : j + width], optimize=True)
    if bias is not None:
        sums += bias.astype(np.float32)[None, :, None, None]
    return sums.astype(x.dtype)
