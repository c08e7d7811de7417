"""Run ONNX's own tests of operators on the embedded engine, and compare its list of operators with ONNX's.

    cargo build --release -p bm-infer --example run_models
    python research/onnx-operators/node_tests.py --run-models target/release/examples/run_models

The tests are in the `onnx` package (`onnx.backend.test.case.node`). A test has a graph of one node, its
inputs and its outputs, of any shape. The engine takes models from rows to rows. So the graph is put
between two `Reshape`: the first input of the node is the row, and its other inputs become constants.
Where two values may be combined, the test also runs with all inputs in the row.

Each test of an operator of the engine is in `PASS` or in `SKIP`, with the reason. A test that is in neither, or
that the package does not have, is a failure. So is a package without tests.

Exit code 0 if everything agrees, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, defs, helper, numpy_helper

RUN_TIMEOUT_S = 600

# Names without `test_`.
PASS = {
    "Add": "add add_bcast",
    "AveragePool": """
        averagepool_1d_default averagepool_2d_ceil averagepool_2d_ceil_last_window_starts_on_pad
        averagepool_2d_default averagepool_2d_dilations averagepool_2d_pads
        averagepool_2d_pads_count_include_pad averagepool_2d_precomputed_pads
        averagepool_2d_precomputed_pads_count_include_pad averagepool_2d_precomputed_same_upper
        averagepool_2d_precomputed_strides averagepool_2d_same_lower averagepool_2d_same_upper
        averagepool_2d_strides averagepool_3d_default averagepool_3d_dilations_small
        averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False
        averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True
        averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False
        averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True
        """,
    "BatchNormalization": "batchnorm_epsilon batchnorm_example",
    "Clip": """
        clip clip_default_inbounds clip_default_max clip_default_min clip_example clip_inbounds
        clip_min_greater_than_max clip_outbounds clip_splitbounds
        """,
    "Concat": """
        concat_1d_axis_0 concat_1d_axis_negative_1 concat_2d_axis_0 concat_2d_axis_1
        concat_2d_axis_negative_1 concat_2d_axis_negative_2 concat_3d_axis_0 concat_3d_axis_1
        concat_3d_axis_2 concat_3d_axis_negative_1 concat_3d_axis_negative_2 concat_3d_axis_negative_3
        """,
    "Conv": """
        basic_conv_with_padding basic_conv_without_padding conv_with_autopad_same
        conv_with_strides_and_asymmetric_padding conv_with_strides_no_padding conv_with_strides_padding
        """,
    "Div": "div div_bcast div_example",
    "Dropout": "dropout_default dropout_default_old dropout_default_ratio dropout_random_old",
    "Flatten": """
        flatten_axis0 flatten_axis1 flatten_axis2 flatten_axis3 flatten_default_axis flatten_negative_axis1
        flatten_negative_axis2 flatten_negative_axis3 flatten_negative_axis4
        """,
    "Gather": "gather_0 gather_1 gather_negative_indices",
    "Gemm": """
        gemm_all_attributes gemm_alpha gemm_beta gemm_default_matrix_bias gemm_default_no_bias
        gemm_default_scalar_bias gemm_default_single_elem_vector_bias gemm_default_vector_bias
        gemm_default_zero_bias gemm_transposeA gemm_transposeB
        """,
    "GlobalAveragePool": "globalaveragepool globalaveragepool_precomputed",
    "GlobalMaxPool": "globalmaxpool globalmaxpool_precomputed",
    "Identity": "identity",
    "LeakyRelu": "leakyrelu leakyrelu_default leakyrelu_example",
    "MatMul": "matmul_2d",
    "MaxPool": """
        maxpool_1d_default maxpool_2d_ceil maxpool_2d_ceil_output_size_reduce_by_one maxpool_2d_default
        maxpool_2d_dilations maxpool_2d_pads maxpool_2d_precomputed_pads maxpool_2d_precomputed_same_upper
        maxpool_2d_precomputed_strides maxpool_2d_same_lower maxpool_2d_same_upper maxpool_2d_strides
        maxpool_3d_default maxpool_3d_dilations maxpool_3d_dilations_use_ref_impl
        maxpool_3d_dilations_use_ref_impl_large
        """,
    "Mul": "mul mul_bcast mul_example",
    "ReduceMax": """
        reduce_max_default_axes_keepdim_example reduce_max_default_axes_keepdims_random
        reduce_max_do_not_keepdims_example reduce_max_do_not_keepdims_random reduce_max_keepdims_example
        reduce_max_keepdims_random reduce_max_negative_axes_keepdims_example
        reduce_max_negative_axes_keepdims_random
        """,
    "ReduceMean": """
        reduce_mean_default_axes_keepdims_example reduce_mean_default_axes_keepdims_random
        reduce_mean_do_not_keepdims_example reduce_mean_do_not_keepdims_random reduce_mean_keepdims_example
        reduce_mean_keepdims_random reduce_mean_negative_axes_keepdims_example
        reduce_mean_negative_axes_keepdims_random
        """,
    "Relu": "relu",
    "Reshape": """
        reshape_extended_dims reshape_negative_dim reshape_negative_extended_dims reshape_one_dim
        reshape_reduced_dims reshape_reordered_all_dims reshape_reordered_last_dims
        reshape_zero_and_negative_dim reshape_zero_dim
        """,
    "Sigmoid": "sigmoid sigmoid_example",
    "Slice": """
        slice slice_default_axes slice_default_steps slice_end_out_of_bounds slice_neg slice_neg_steps
        slice_negative_axes
        """,
    "Softmax": """
        softmax_axis_0 softmax_axis_1 softmax_axis_2 softmax_default_axis softmax_example
        softmax_large_number softmax_negative_axis
        """,
    "Squeeze": "squeeze squeeze_negative_axes",
    "Sub": "sub sub_bcast sub_example",
    "Tanh": "tanh tanh_example",
    "Transpose": """
        transpose_all_permutations_0 transpose_all_permutations_1 transpose_all_permutations_2
        transpose_all_permutations_3 transpose_all_permutations_4 transpose_all_permutations_5
        transpose_default
        """,
    "Unsqueeze": """
        unsqueeze_axis_0 unsqueeze_axis_1 unsqueeze_axis_2 unsqueeze_negative_axes unsqueeze_three_axes
        unsqueeze_two_axes unsqueeze_unsorted_axes
        """,
}

WHOLE = "its values are whole numbers, the engine's are floats"
TRAINING = "it is in training"
MASK = "its second output is not one of a classifier"
ONE_MATRIX = "its weights are not one matrix"

SKIP = {
    WHOLE: """
        add_int16 add_int8 add_uint16 add_uint32 add_uint64 add_uint8 sub_int16 sub_int8 sub_uint16 sub_uint32
        sub_uint64 sub_uint8 mul_int16 mul_int8 mul_uint16 mul_uint32 mul_uint64 mul_uint8 div_int16
        div_int32_trunc div_int8 div_uint16 div_uint32 div_uint64 div_uint8 maxpool_2d_uint8
        clip_default_int8_inbounds clip_default_int8_max clip_default_int8_min
        clip_default_int8_inbounds_expanded
        """,
    TRAINING: """
        batchnorm_epsilon_training_mode batchnorm_example_training_mode training_dropout
        training_dropout_default training_dropout_default_mask training_dropout_mask
        training_dropout_zero_ratio training_dropout_zero_ratio_mask
        """,
    MASK: """
        dropout_default_mask dropout_default_mask_ratio maxpool_with_argmax_2d_precomputed_pads
        maxpool_with_argmax_2d_precomputed_strides
        """,
    ONE_MATRIX: "matmul_1d_1d matmul_1d_3d matmul_3d matmul_4d matmul_4d_1d matmul_bcast",
    "the same as identity": "clip_default_inbounds_expanded",
    "its values are not tensors": "identity_opt identity_sequence",
    "it has no input, so no rows": "constant",
    "it returns a shape, which the engine uses in other nodes only": """
        shape shape_clip_end shape_clip_start shape_end_1 shape_end_negative_1 shape_example shape_start_1
        shape_start_1_end_2 shape_start_1_end_negative_1 shape_start_greater_than_end shape_start_negative_1
        """,
    "its values are truth values": "reduce_max_bool_inputs",
    "its input has no values": "reduce_max_empty_set reduce_max_empty_set_bool",
    "its places are a matrix, the engine takes a list": "gather_2d_indices",
    "its output has no values": "reshape_allowzero_reordered slice_start_out_of_bounds",
}

# Operators that combine values: their tests also run with all inputs in the row.
OF_VALUES = {"Add", "Concat", "Div", "Mul", "Sub"}


@dataclass
class Run:
    """A model made of a test, its row, and the output that the test expects."""

    name: str
    model: onnx.ModelProto
    row: np.ndarray
    expected: np.ndarray
    rtol: float
    atol: float


class Failures:
    """Prints a line for each check, and counts those that failed."""

    def __init__(self) -> None:
        self.count = 0

    def check(self, name: str, ok: bool, detail: object = "") -> None:
        self.count += not ok
        text = f"{'ok' if ok else 'FAIL':5} {name}"
        print(text if ok else f"{text}: {detail}", flush=True)


def wrapped(case: onnx.backend.test.case.test_case.TestCase, all_values: bool) -> Run:
    """The node of a test between two `Reshape`, from a row to a row.

    With `all_values`, the row has the values of all inputs, one input after the other.
    """
    (node,) = case.model.graph.node
    (data,) = case.data_sets
    inputs = dict(zip((value.name for value in case.model.graph.input), data[0], strict=True))
    names = [name for name in node.input if name]
    in_row = names if all_values else names[:1]
    values = {name: np.asarray(inputs[name]) for name in in_row}
    constants = [numpy_helper.from_array(np.asarray(inputs[n]), n) for n in names if n not in in_row]

    def whole(name: str, numbers: list[int]) -> str:
        constants.append(helper.make_tensor(name, TensorProto.INT64, [len(numbers)], numbers))
        return name

    (set_,) = [opset.version for opset in case.model.opset_import if not opset.domain]
    nodes, start = [], 0
    for i, (name, value) in enumerate(values.items()):
        part = "row"
        if len(values) > 1:
            ends = [whole(f"start{i}", [start]), whole(f"end{i}", [start + value.size]), whole(f"axis{i}", [1])]
            part = f"part{i}"
            nodes.append(helper.make_node("Slice", ["row", *ends], [part]))
        nodes.append(helper.make_node("Reshape", [part, whole(f"shape{i}", list(value.shape))], [name]))
        start += value.size
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    result = np.asarray(data[1][0])
    nodes += [copy, helper.make_node("Reshape", [node.output[0], whole("flat", [1, result.size])], ["result"])]
    graph = helper.make_graph(
        nodes,
        case.name,
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, [1, start])],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, [1, result.size])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", set_)])
    row = np.concatenate([value.reshape(-1) for value in values.values()]).astype(np.float32)
    suffix = ", all inputs in the row" if all_values else ""
    return Run(f"{case.name}{suffix}", model, row, result.reshape(-1), case.rtol, case.atol)


def run_all(run_models: Path, runs: list[Run], failures: Failures) -> None:
    """Run all models in one process, and compare their outputs."""
    with tempfile.TemporaryDirectory() as scratch:
        for i, run in enumerate(runs):
            folder = Path(scratch, str(i))
            folder.mkdir()
            onnx.save(run.model, folder / "model.onnx")
            (folder / "input.f32").write_bytes(run.row.astype("<f4").tobytes())
        subprocess.run([run_models.resolve(), scratch], check=True, timeout=RUN_TIMEOUT_S)
        for i, run in enumerate(runs):
            refused, output = Path(scratch, str(i), "refused.txt"), Path(scratch, str(i), "output.f32")
            if refused.exists():
                failures.check(run.name, False, refused.read_text(encoding="utf-8"))
                continue
            found = np.frombuffer(output.read_bytes(), dtype="<f4")
            close = found.shape == run.expected.shape and np.allclose(found, run.expected, run.rtol, run.atol)
            failures.check(run.name, close, f"{found} is not {run.expected}")


def check_operators(known: dict, failures: Failures) -> None:
    """Compare versions and attributes of the engine's operators with those of the package."""
    newest = defs.onnx_opset_version()
    failures.check(f"operator sets up to {newest}", known["newest"] == newest, f"the engine knows {known['newest']}")
    schemas: dict[str, list[defs.OpSchema]] = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "" and not schema.deprecated:
            schemas.setdefault(schema.name, []).append(schema)
    for name, operator in known["operators"].items():
        versions = sorted(schemas.get(name, []), key=lambda schema: schema.since_version)
        before = [s for s in versions if s.since_version <= known["oldest"]]
        used = before[-1:] + [s for s in versions if s.since_version > known["oldest"]]
        found = [schema.since_version for schema in used]
        failures.check(f"versions of {name}", operator["versions"] == found, f"{operator['versions']} is not {found}")
        wrong = []
        for set_ in range(known["oldest"], newest + 1):
            schema = [s for s in used if s.since_version <= set_][-1]
            ours = {key for key, (first, last) in operator["attributes"].items() if first <= set_ <= last}
            wrong += [set_] if ours != set(schema.attributes) else []
        failures.check(f"attributes of {name}", not wrong, f"other attributes in operator sets {wrong}")


def collected(operators: set[str]) -> list[onnx.backend.test.case.test_case.TestCase]:
    """The tests of one node with one of these operators."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        # Making some tests of other operators divides by zero.
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    nodes = [(case, case.model.graph.node) for case in cases if case.model is not None]
    return [case for case, node in nodes if len(node) == 1 and not node[0].domain and node[0].op_type in operators]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run-models", type=Path, required=True, help="the example of bm-infer of this name")
    arguments = parser.parse_args()
    failures = Failures()

    listing = [arguments.run_models.resolve(), "--operators"]
    known = json.loads(subprocess.run(listing, check=True, capture_output=True, text=True, timeout=RUN_TIMEOUT_S).stdout)
    check_operators(known, failures)

    to_pass = {f"test_{name}": operator for operator, names in PASS.items() for name in names.split()}
    to_skip = {f"test_{name}": reason for reason, names in SKIP.items() for name in names.split()}
    cases = {case.name: case for case in collected(set(known["operators"]))}
    for name in sorted(cases.keys() - to_pass.keys() - to_skip.keys()):
        failures.check(name, False, "a test that is neither in PASS nor in SKIP")
    for name in sorted((to_pass.keys() | to_skip.keys()) - cases.keys()):
        failures.check(name, False, "the onnx package has no such test")
    for name in sorted(to_pass.keys() & to_skip.keys()):
        failures.check(name, False, "a test that is both in PASS and in SKIP")
    without = sorted(set(known["operators"]) - PASS.keys() - {"Constant", "Shape"})
    failures.check("an operator without a test", not without, without)
    runs = []
    for name in to_pass.keys() & cases.keys():
        runs.append(wrapped(cases[name], all_values=False))
        if to_pass[name] in OF_VALUES:
            runs.append(wrapped(cases[name], all_values=True))
    # Concat takes values only.
    runs = [run for run in runs if "concat" not in run.name or "all inputs" in run.name]
    run_all(arguments.run_models, sorted(runs, key=lambda run: run.name), failures)
    for name in sorted(to_skip.keys() & cases.keys()):
        print(f"SKIPPED {name}: {to_skip[name]}")
    print(f"{len(runs)} runs of {len(to_pass)} tests, {len(to_skip)} skipped, {failures.count} failed")
    return int(failures.count > 0 or not runs)


if __name__ == "__main__":
    sys.exit(main())
