"""Shipped files become valid ML programs with the numbers of ONNX Runtime; each fault that is put into a file is found.

    python -m unittest discover -s research/coreml/tests
"""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import checks  # noqa: E402
import program as programs  # noqa: E402
import validate_program  # noqa: E402
from coremltools.converters.mil import Builder as mb  # noqa: E402
from coremltools.converters.mil.mil import Program  # noqa: E402

F16, F32 = TensorProto.FLOAT16, TensorProto.FLOAT
LENGTH = 512


def network(*middle: onnx.NodeProto, length: int | str = LENGTH, dtype: type = np.float16, **conv: object) -> onnx.ModelProto:
    """Cast, a convolution of width 5 over four channels, the given nodes from ``z`` to ``h``, Sigmoid, Cast.

    Without nodes in between, ``h`` is ``z``. With float32 weights, there are no casts.
    """
    rng = np.random.default_rng(7)
    half = dtype is np.float16
    conv = {"kernel_shape": [1, 5], "pads": [0, 2, 0, 2]} | conv
    nodes = [
        helper.make_node("Conv", ["x16" if half else "x", "w", "b"], ["z"], "conv", **conv),
        *middle,
        helper.make_node("Sigmoid", ["h" if middle else "z"], ["p16" if half else "p"], "sigmoid"),
    ]
    if half:
        nodes = [helper.make_node("Cast", ["x"], ["x16"], "entry", to=F16), *nodes, helper.make_node("Cast", ["p16"], ["p"], "exit", to=F32)]
    weights = {"w": rng.normal(0, 0.5, (1, 4, 1, 5)), "b": rng.normal(0, 0.1, 1)}
    graph = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info("x", F32, [1, 4, 1, length])],
        [helper.make_tensor_value_info("p", F32, [1, 1, 1, length])],
        [numpy_helper.from_array(array.astype(dtype), name) for name, array in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(op: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, ["z"], ["h"], op.lower(), **attributes)


class Programs(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name, "model.mlpackage")

    def validate(self, model: onnx.ModelProto) -> list[str]:
        return [str(result) for result in validate_program.validate(model, self.path)]

    def assert_refused(self, model: onnx.ModelProto, reason: str) -> None:
        found = self.validate(model)
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], f"^FAIL .*{reason}")

    def test_shipped_files_are_valid_programs_with_the_numbers_of_onnx_runtime(self) -> None:
        files = sorted(ROOT.glob("models/*/model.ane.onnx"))
        self.assertGreaterEqual(len(files), 2)
        for file in files:
            with self.subTest(file.parent.name):
                found = self.validate(onnx.load(file, load_external_data=False))
                self.assertEqual([line[:5] for line in found], ["ok   "] * 2, found)
                self.assertTrue((self.path / "Manifest.json").is_file())

    def test_the_network_of_these_tests_is_valid(self) -> None:
        for model in (network(), network(node("Relu"))):
            self.assertEqual([line[:5] for line in self.validate(model)], ["ok   "] * 2)

    def test_pads_keep_their_sides(self) -> None:
        # ONNX has all begins before all ends, an ML program both of an axis together.
        self.assertEqual([line[:5] for line in self.validate(network(pads=[0, 3, 0, 1]))], ["ok   "] * 2)

    def test_operators_without_a_translation_are_refused(self) -> None:
        for op in ("Softmax", "Tanh", "Identity"):
            self.assert_refused(network(node(op)), f"no translation of {op}")
        foreign = node("Relu")
        foreign.domain = "com.example."
        self.assert_refused(network(foreign), "no translation of com.example.Relu")

    def test_a_convolution_in_float32_is_refused(self) -> None:
        self.assert_refused(network(dtype=np.float32), "z is fp32, expected fp16; .*weight.* is fp32")

    def test_float32_between_the_layers_is_refused(self) -> None:
        there, back = node("Cast", to=F32), helper.make_node("Cast", ["wide"], ["h"], "back", to=F16)
        there.output[0] = "wide"
        self.assert_refused(network(there, back), "wide: a cast that is neither that of an input")

    def test_other_types_of_casts_are_refused(self) -> None:
        self.assert_refused(network(node("Cast", to=TensorProto.INT64)), "Cast to INT64")

    def test_shapes_that_are_not_fixed_and_large_dimensions_are_refused(self) -> None:
        self.assert_refused(network(length="batch"), "'batch'. is not fixed")
        self.assert_refused(network(length=20_000), "20000.*dimensions from 1 to 16384")

    def test_types_that_do_not_agree_are_refused(self) -> None:
        model = network()
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((1, 4, 1, 5), np.float32), "w"))
        self.assert_refused(model, "conv: ")

    def test_other_numbers_are_noticed(self) -> None:
        model = network()
        self.validate(model)
        _, program = programs.saved(self.path)
        self.assertTrue(validate_program.compare(model, program).ok)
        bias = numpy_helper.to_array(model.graph.initializer[1]) + np.float16(0.1)
        model.graph.initializer[1].CopyFrom(numpy_helper.from_array(bias, "b"))
        self.assertFalse(validate_program.compare(model, program).ok)

    def test_a_program_that_differs_from_the_file_is_refused(self) -> None:
        model = network(node("Relu"))
        for change, reason in (
            (lambda h: mb.relu(x=h), r"operations .*'relu', 'relu', .*expected"),
            (lambda h: mb.sqrt(x=h), "operation sqrt is not allowed"),
            (lambda h: mb.softmax(x=h, axis=3), "operation softmax is not allowed"),
        ):
            faults = "; ".join(self.faults_after(model, change))
            self.assertRegex(faults, reason)
        self.assertEqual(self.faults_after(model, None), [])

    def faults_after(self, model: onnx.ModelProto, change: object) -> list[str]:
        """Faults of a program with one operation too many before the last Sigmoid."""
        sigmoid, made = programs.TRANSLATIONS["Sigmoid"], Program()
        if change:
            programs.TRANSLATIONS["Sigmoid"] = lambda node, inputs: sigmoid(node, [change(inputs[0])])
        try:
            made = programs.build(model)
        finally:
            programs.TRANSLATIONS["Sigmoid"] = sigmoid
        programs.save(made, self.path)
        return checks.check(*programs.saved(self.path), model)


if __name__ == "__main__":
    unittest.main()
