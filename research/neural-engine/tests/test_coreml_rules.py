"""A good model passes the CoreML rules; each mutant breaks one rule, which is named in the refusal.

    python -m unittest discover -s research/neural-engine/tests
"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import coreml_rules  # noqa: E402  (the folder's name has a hyphen: it cannot be a package)

F16, F32 = TensorProto.FLOAT16, TensorProto.FLOAT
STATIC_BATCH = 256


def tensor(name, shape, dtype=np.float16):
    # A fixed seed per name; the rules depend on shapes and positions, not on values.
    rng = np.random.default_rng(sum(name.encode()))
    return numpy_helper.from_array(rng.normal(0, 0.1, shape).astype(dtype), name)


def conv(data, out, name, shape, **attributes):
    """A Conv node and its two initializers; shape is (outputs, inputs, 1, k)."""
    attributes = {"kernel_shape": list(shape[2:])} | attributes
    node = helper.make_node("Conv", [data, f"{name}.w", f"{name}.b"], [out], name=name, **attributes)
    return node, [tensor(f"{name}.w", shape), tensor(f"{name}.b", shape[:1])]


def model(nodes, initializers, inputs, outputs, opset=17, key="a1B2c3"):
    graph = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info(n, F32, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, F32, s) for n, s in outputs],
        initializers,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    if key is not None:
        helper.set_model_props(made, {"COREML_CACHE_KEY": key})
    return made


def cast(data, out, to, name):
    return helper.make_node("Cast", [data], [out], to=to, name=name)


def dense(batch=STATIC_BATCH):
    """The network of the packages: three 1×1 convolutions over (1, 300, 1, batch) in float16."""
    nodes, initializers = [cast("features", "x0", F16, "entry")], []
    widths = (300, 128, 64, 1)
    for i in range(3):
        node, weights = conv(f"x{i}", f"y{i}", f"conv{i}", (widths[i + 1], widths[i], 1, 1))
        nodes += [node, helper.make_node("Sigmoid" if i == 2 else "Relu", [f"y{i}"], [f"x{i + 1}"], name=f"act{i}")]
        initializers += weights
    nodes.append(cast("x3", "probability", F32, "exit"))
    return model(nodes, initializers, [("features", [1, 300, 1, batch])], [("probability", [1, 1, 1, batch])])


def sequence(kernel=5, length=150, batch=64):
    """A 1-D network as (batch, channels, 1, length): convolutions, pool, Reshape, Gemm."""
    first, w1 = conv("x0", "y0", "conv0", (16, 5, 1, kernel), pads=[0, kernel // 2, 0, kernel // 2])
    second, w2 = conv("x1", "y1", "conv1", (32, 16, 1, 3), pads=[0, 1, 0, 1], strides=[1, 2])
    nodes = [
        cast("features", "x0", F16, "entry"),
        first,
        helper.make_node("Relu", ["y0"], ["x1"], name="relu0"),
        second,
        helper.make_node("Tanh", ["y1"], ["x2"], name="tanh1"),
        helper.make_node("GlobalAveragePool", ["x2"], ["p"], name="pool"),
        helper.make_node("Reshape", ["p", "flat"], ["v"], name="flatten"),
        helper.make_node("Gemm", ["v", "head.w", "head.b"], ["l"], transB=1, name="head"),
        helper.make_node("Sigmoid", ["l"], ["s"], name="sigmoid"),
        cast("s", "probability", F32, "exit"),
    ]
    initializers = [
        *w1, *w2,
        numpy_helper.from_array(np.array([batch, 32], np.int64), "flat"),
        tensor("head.w", (1, 32)), tensor("head.b", (1,)),
    ]  # fmt: skip
    return model(nodes, initializers, [("features", [batch, 5, 1, length])], [("probability", [batch, 1])])


def residual():
    """The other listed operators: Add, Sub, Mul, Max, MaxPool, AveragePool, ReduceMean, LayerNormalization."""
    first, w1 = conv("x0", "c0", "conv0", (8, 5, 1, 13), pads=[0, 6, 0, 6])
    n = helper.make_node
    nodes = [
        cast("features", "x0", F16, "entry"),
        first,
        n("Relu", ["c0"], ["r"], name="relu"),
        n("Add", ["c0", "r"], ["a"], name="add"),
        n("Sub", ["a", "r"], ["b"], name="sub"),
        n("Mul", ["b", "scale"], ["m"], name="mul"),
        n("Max", ["m", "r"], ["x"], name="max"),
        n("MaxPool", ["x"], ["mp"], kernel_shape=[1, 2], strides=[1, 2], name="maxpool"),
        n("AveragePool", ["mp"], ["ap"], kernel_shape=[1, 3], pads=[0, 1, 0, 1], name="avgpool"),
        n("LayerNormalization", ["ap", "ln.w", "ln.b"], ["ln"], axis=-1, name="norm"),
        n("ReduceMean", ["ln"], ["mean"], axes=[3], keepdims=1, name="reduce"),
        cast("mean", "probability", F32, "exit"),
    ]
    initializers = [*w1, tensor("scale", (1, 8, 1, 1)), tensor("ln.w", (75,)), tensor("ln.b", (75,))]
    return model(nodes, initializers, [("features", [4, 5, 1, 150])], [("probability", [4, 8, 1, 1])])


# Ways to change a model.


def node_named(m, name):
    return next(n for n in m.graph.node if n.name == name)


def initializer(m, name):
    return next(t for t in m.graph.initializer if t.name == name)


def replace(m, new):
    initializer(m, new.name).CopyFrom(new)


def set_attribute(m, node, **values):
    target = node_named(m, node)
    for key in values:
        for old in [a for a in target.attribute if a.name == key]:
            target.attribute.remove(old)
    target.attribute.extend(helper.make_attribute(k, v) for k, v in values.items() if v is not None)


def insert(m, after, new):
    """Insert a one-input node after the node `after`, in the data path."""
    position = [n.name for n in m.graph.node].index(after)
    source = m.graph.node[position].output[0]
    for node in m.graph.node:
        for i, name in enumerate(node.input):
            if name == source:
                node.input[i] = "inserted"
    new.input[0:1] = [source]
    new.output[0:1] = ["inserted"]
    m.graph.node.insert(position + 1, new)


def dim(m, where, axis, value):
    """Set one dimension of an input or output; a string makes it symbolic."""
    target = getattr(m.graph, where)[0].type.tensor_type.shape.dim[axis]
    if isinstance(value, str):
        target.dim_param = value
    else:
        target.dim_value = value


def batch(m, value):
    dim(m, "input", 3, value)
    dim(m, "output", 3, value)


def make_external(m, name):
    target = initializer(m, name)
    target.ClearField("raw_data")
    target.data_location = TensorProto.EXTERNAL
    target.external_data.add(key="location", value="weights.bin")


def weight_as_input(m, name):
    m.graph.initializer.remove(initializer(m, name))
    shape = {"conv0.w": [128, 300, 1, 1], "conv0.b": [128], "head.w": [1, 32], "ln.w": [75]}[name]
    m.graph.input.append(helper.make_tensor_value_info(name, F16, shape))


def also_an_input(m, name):
    t = initializer(m, name)
    m.graph.input.append(helper.make_tensor_value_info(name, F16, list(t.dims)))


def sparse(m):
    values = numpy_helper.from_array(np.ones(1, np.float16), "unused")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "unused.i")
    m.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))


def add_function(m):
    relu = helper.make_node("Relu", ["a"], ["b"])
    m.functions.append(helper.make_function("local", "Nothing", ["a"], ["b"], [relu], [helper.make_opsetid("", 17)]))


def float32_weights(m):
    for t in m.graph.initializer:
        t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float32), t.name))
    for name, to in (("entry", F32), ("exit", F32)):
        set_attribute(m, name, to=to)


def float16_interface(m):
    for value in (m.graph.input[0], m.graph.output[0]):
        value.type.tensor_type.elem_type = F16
    set_attribute(m, "exit", to=F16)


def key(value):
    def change(m):
        del m.metadata_props[:]
        if value is not None:
            helper.set_model_props(m, {"COREML_CACHE_KEY": value})
    return change


def rank3(m):
    """The same network with 1-D convolutions over (1, channels, batch)."""
    for where in (m.graph.input[0], m.graph.output[0]):
        del where.type.tensor_type.shape.dim[2]
    for i in range(3):
        w = initializer(m, f"conv{i}.w")
        w.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(w)[:, :, 0, :], w.name))
        set_attribute(m, f"conv{i}", kernel_shape=[1])


def rank6(m):
    shape = numpy_helper.from_array(np.array([1, 1, 1, 128, 1, STATIC_BATCH], np.int64), "six")
    back = numpy_helper.from_array(np.array([1, 128, 1, STATIC_BATCH], np.int64), "four")
    m.graph.initializer.extend([shape, back])
    insert(m, "act0", helper.make_node("Reshape", ["?", "six"], ["?"], name="to_six"))
    position = [n.name for n in m.graph.node].index("to_six")
    node_named(m, "to_six").output[0] = "sixfold"
    m.graph.node.insert(position + 1, helper.make_node("Reshape", ["sixfold", "four"], ["inserted"], name="to_four"))


def scale_float32(m):
    replace(m, tensor("scale", (1, 8, 1, 1), np.float32))


def reshape_by_input(m):
    m.graph.initializer.remove(initializer(m, "flat"))
    m.graph.input.append(helper.make_tensor_value_info("flat", TensorProto.INT64, [2]))


def wide_kernel(m):
    replace(m, tensor("conv0.w", (16, 5, 1, 15)))
    set_attribute(m, "conv0", kernel_shape=[1, 15], pads=[0, 7, 0, 7])


def tall_kernel(m):
    replace(m, tensor("conv0.w", (16, 5, 3, 5)))
    set_attribute(m, "conv0", kernel_shape=[3, 5], pads=[1, 2, 1, 2])


def two_outputs(m):
    node_named(m, "maxpool").output.append("indices")


def gemm_scalar_bias(m):
    replace(m, tensor("head.b", (1, 1)))
    replace(m, tensor("head.w", (3, 32)))
    dim(m, "output", 1, 3)


def gemm_matrix_bias(m):
    replace(m, tensor("head.b", (64, 1)))


def insert_node(op, **attributes):
    return lambda m: insert(m, "act0", helper.make_node(op, ["?"], ["?"], name="new", **attributes))


def cast_pair(m):
    insert(m, "act0", helper.make_node("Cast", ["?"], ["?"], to=F16, name="new"))


def matmul(m):
    m.graph.initializer.append(tensor("square", (STATIC_BATCH, STATIC_BATCH)))
    insert(m, "act0", helper.make_node("MatMul", ["?", "square"], ["?"], name="new"))


def lrn(m):
    insert(m, "act0", helper.make_node("LRN", ["?"], ["?"], size=3, name="new"))


def lstm(m):
    # Shapes do not matter, because the operator is refused before they are checked.
    insert(m, "act0", helper.make_node("LSTM", ["?", "conv0.w", "conv0.w"], ["?"], hidden_size=1, name="new"))


def contrib(m):
    node_named(m, "act0").domain = "com.microsoft"
    m.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def lie_about_shapes(m):
    """A symbolic batch behind inner tensors that claim fixed shapes."""
    inferred = onnx.shape_inference.infer_shapes(m)
    m.CopyFrom(inferred)
    batch(m, "batch")


# name → (model, change, the rules that must be broken, all of them)
MUTANTS = {
    "dynamic batch": (dense, lambda m: batch(m, "batch"), {"static-shape"}),
    "dynamic batch, inner shapes claimed": (dense, lie_about_shapes, {"static-shape"}),
    "batch of nothing": (dense, lambda m: batch(m, 0), {"zero-dimension"}),
    "batch over the limit": (dense, lambda m: batch(m, 16_385), {"dimension"}),
    "output of another size": (dense, lambda m: dim(m, "output", 3, 128), {"shape-inference"}),
    "Dropout": (dense, insert_node("Dropout"), {"operator"}),
    "MatMul": (dense, matmul, {"operator"}),
    "LRN": (dense, lrn, {"operator"}),
    "LSTM": (dense, lstm, {"operator", "shape-inference", "static-shape"}),
    "Flatten": (sequence, lambda m: (insert(m, "pool", helper.make_node("Flatten", ["?"], ["?"], name="new"))), {"operator"}),
    "Identity, claimed but not listed": (dense, insert_node("Identity"), {"operator"}),
    "foreign domain": (dense, contrib, {"domain", "static-shape"}),
    "local function": (dense, add_function, {"functions"}),
    "opset 18": (dense, lambda m: setattr(m.opset_import[0], "version", 18), {"opset"}),
    "opset 12": (dense, lambda m: setattr(m.opset_import[0], "version", 12), {"opset"}),
    "external data": (dense, lambda m: make_external(m, "conv1.w"), {"inline-constants"}),
    "values missing": (dense, lambda m: initializer(m, "conv1.w").ClearField("raw_data"), {"inline-constants"}),
    "sparse initializer": (dense, sparse, {"inline-constants"}),
    "weight as an input": (dense, lambda m: weight_as_input(m, "conv0.w"), {"constant", "input-output-type"}),
    "bias as an input": (dense, lambda m: weight_as_input(m, "conv0.b"), {"constant", "input-output-type"}),
    "weight that can be replaced": (dense, lambda m: also_an_input(m, "conv0.w"), {"constant", "input-output-type"}),
    "no bias": (dense, lambda m: node_named(m, "conv0").input.pop(), {"constant"}),
    "Cast in the middle": (dense, cast_pair, {"cast-place"}),
    "Cast from float64": (dense, lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.DOUBLE),
                          {"cast-type", "input-output-type"}),
    "float32 arithmetic": (dense, float32_weights, {"half-precision"}),
    "float16 interface": (dense, float16_interface, {"input-output-type"}),
    "convolutions of rank 3": (dense, rank3, {"conv-rank"}),
    "rank 6": (dense, rank6, {"rank"}),
    "auto_pad": (dense, lambda m: set_attribute(m, "conv0", auto_pad="SAME_UPPER"), {"auto-pad"}),
    "no kernel_shape": (dense, lambda m: set_attribute(m, "conv0", kernel_shape=None), {"conv-kernel-shape"}),
    "kernel_shape not the weight's": (dense, lambda m: set_attribute(m, "conv0", kernel_shape=[1, 3]),
                                      {"conv-kernel-shape", "shape-inference"}),
    "negative pads": (sequence, lambda m: set_attribute(m, "conv0", pads=[0, -1, 0, -1]),
                      {"conv-pads", "shape-inference", "static-shape"}),
    "pads left to the default": (sequence, lambda m: set_attribute(m, "conv0", pads=None), {"conv-pads"}),
    "kernel of 15": (sequence, wide_kernel, {"conv-kernel-size"}),
    "kernel two-dimensional": (sequence, tall_kernel, {"conv-kernel-size"}),
    "stride of 0": (sequence, lambda m: set_attribute(m, "conv1", strides=[1, 0]), None),
    "unknown attribute": (dense, lambda m: set_attribute(m, "act0", alpha=0.5), {"attribute"}),
    "Gemm with B as an input": (sequence, lambda m: weight_as_input(m, "head.w"), {"constant", "input-output-type"}),
    "Gemm without transB": (sequence, lambda m: (set_attribute(m, "head", transB=0), replace(m, tensor("head.w", (32, 1)))),
                            {"gemm-transpose", "gemm-bias-shape"}),
    "Gemm with a vector": (sequence, lambda m: replace(m, tensor("head.w", (32,))), None),
    "node without input": (dense, lambda m: node_named(m, "act0").ClearField("input"), None),
    "Cast to nothing": (dense, lambda m: set_attribute(m, "entry", to=None), None),
    "Gemm with alpha": (sequence, lambda m: set_attribute(m, "head", alpha=0.5), {"gemm-scale"}),
    "Gemm with beta": (sequence, lambda m: set_attribute(m, "head", beta=2.0), {"gemm-scale"}),
    "Gemm with a bias of one for three": (sequence, gemm_scalar_bias, {"gemm-bias-shape"}),
    "Gemm with a bias a row": (sequence, gemm_matrix_bias, {"gemm-bias-shape"}),
    "Reshape by an input": (sequence, reshape_by_input, {"constant", "input-output-type", "static-shape"}),
    "Reshape with allowzero": (sequence, lambda m: set_attribute(m, "flatten", allowzero=1), {"reshape-allowzero"}),
    "mixed types": (residual, scale_float32, {"same-type", "shape-inference"}),
    "pool of one number": (residual, lambda m: set_attribute(m, "maxpool", kernel_shape=[2]), None),
    "pool that rounds up": (residual, lambda m: set_attribute(m, "maxpool", ceil_mode=1), {"pool-ceil-mode"}),
    "pool with dilations": (residual, lambda m: set_attribute(m, "maxpool", dilations=[1, 1]), {"attribute"}),
    "pool with indices": (residual, two_outputs, {"outputs"}),
    "ReduceMean over everything": (residual, lambda m: set_attribute(m, "reduce", axes=None), None),
    "LayerNormalization with a scale as an input": (residual, lambda m: weight_as_input(m, "ln.w"),
                                                    {"constant", "input-output-type"}),
    "no cache key": (dense, key(None), {"cache-key"}),
    "cache key empty": (dense, key(""), {"cache-key"}),
    "cache key of 64": (dense, key("a" * 64), {"cache-key"}),
    "cache key with a hyphen": (dense, key("mean-q20"), {"cache-key"}),
    "cache key with a line end": (dense, key("meanq20\n"), {"cache-key"}),
    "two cache keys": (dense, lambda m: m.metadata_props.add(key="COREML_CACHE_KEY", value="b"), {"cache-key"}),
}
# Changes that break several rules at once, of which only one is tested.
AT_LEAST = {
    "stride of 0": "conv-strides",
    "pool of one number": "pool-kernel",
    "Gemm with a vector": "gemm-rank",
    "node without input": "inputs",
    "Cast to nothing": "cast-type",
    "ReduceMean over everything": "reduce-axes",
}


class GoodModels(unittest.TestCase):
    def accepted(self, m):
        onnx.checker.check_model(m, full_check=True)
        self.assertEqual([str(v) for v in coreml_rules.check(m)], [])

    def test_dense(self):
        for size in (64, 256, 2048, 16_384):
            with self.subTest(batch=size):
                self.accepted(dense(size))

    def test_sequence_kernels(self):
        for kernel in (1, 3, 5, 7, 9, 11, 13):
            with self.subTest(kernel=kernel):
                self.accepted(sequence(kernel))

    def test_other_operators(self):
        self.accepted(residual())

    def test_cache_key_of_63(self):
        m = dense()
        key("aZ09" * 15 + "abc")(m)
        self.accepted(m)

    def test_the_model_is_not_changed(self):
        m = dense()
        before = m.SerializeToString(deterministic=True)
        coreml_rules.check(m)
        self.assertEqual(m.SerializeToString(deterministic=True), before)


class Mutants(unittest.TestCase):
    def test_each_is_refused_by_its_rule(self):
        self.assertGreaterEqual(len(MUTANTS), 20)
        for name, (build, change, rules) in MUTANTS.items():
            with self.subTest(mutant=name):
                m = build()
                self.assertEqual(coreml_rules.check(m), [], "the model before the change")
                change(m)
                found = coreml_rules.check(m)
                names = {v.rule for v in found}
                if rules is None:
                    self.assertIn(AT_LEAST[name], names, [str(v) for v in found])
                else:
                    self.assertEqual(names, rules, [str(v) for v in found])

    def test_a_violation_names_the_node(self):
        m = dense()
        set_attribute(m, "conv1", auto_pad="SAME_LOWER")
        (violation,) = coreml_rules.check(m)
        self.assertEqual((violation.node, violation.rule, violation.found), ("conv1", "auto-pad", "SAME_LOWER"))

    def test_a_node_without_a_name_is_named_by_its_position(self):
        m = dense()
        set_attribute(m, "conv1", auto_pad="SAME_LOWER")
        node_named(m, "conv1").name = ""
        self.assertEqual(coreml_rules.check(m)[0].node, "Conv#3")

    def test_every_rule_has_a_mutant(self):
        source = (HERE.parent / "coreml_rules.py").read_text(encoding="utf-8")
        covered = set().union(*(rules for _, _, rules in MUTANTS.values() if rules)) | set(AT_LEAST.values())
        # Rules whose names are built in the source, or that have no mutant of their own.
        named = set(coreml_rules.re.findall(r'self\.deny\([^,]+(?:\([^)]*\))?, "([a-z-]+)"', source))
        self.assertGreater(len(named), 20)
        self.assertEqual(named - covered - {"type", "pool-rank"}, set())

    def test_pool_rank_and_type(self):
        m = residual()
        m.graph.node[0].attribute[0].i = TensorProto.INT32
        self.assertIn("type", {v.rule for v in coreml_rules.check(m)})
        m = sequence()
        flat = numpy_helper.from_array(np.array([64, 32, 75], np.int64), "three")
        m.graph.initializer.append(flat)
        insert(m, "tanh1", helper.make_node("Reshape", ["?", "three"], ["?"], name="new"))
        self.assertIn("pool-rank", {v.rule for v in coreml_rules.check(m)})


class CommandLine(unittest.TestCase):
    def run_on(self, m):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(m.SerializeToString())
            script = HERE.parent / "coreml_rules.py"
            return subprocess.run([sys.executable, script, "--model", path], capture_output=True, text=True, check=False)

    def test_exit_codes(self):
        good = self.run_on(dense())
        self.assertEqual((good.returncode, good.stdout), (0, ""))
        bad = dense()
        batch(bad, "batch")
        result = self.run_on(bad)
        self.assertEqual(result.returncode, 1)
        self.assertIn("static-shape", result.stderr)

    def test_external_data_need_not_exist(self):
        bad = dense()
        make_external(bad, "conv1.w")
        result = self.run_on(bad)
        self.assertEqual(result.returncode, 1)
        self.assertIn("inline-constants", result.stderr)


if __name__ == "__main__":
    unittest.main()
