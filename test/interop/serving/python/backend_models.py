"""Fills a folder with models for serving-models.test.ts: those of ONNX's own backend test, and odd ones made here.

Prints how many there are. The backend test's models are linked, not copied."""

import os
import sys

import onnx
from onnx import TensorProto, helper

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
DATA = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")

PLAIN = "FLOAT DOUBLE FLOAT16 INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL STRING".split()


def backend_tests():
    """Yields the name under which a model of the backend test is served, and its folder."""
    for kind in KINDS:
        for name in sorted(os.listdir(os.path.join(DATA, kind))):
            folder = os.path.join(DATA, kind, name)
            if os.path.exists(os.path.join(folder, "model.onnx")):
                yield (name if kind == "node" else f"{kind} {name}"), folder


def save(folder, name, pairs, inputs, outputs):
    """A model of Identity nodes: `pairs` are the names of each node's input and output."""
    nodes = [helper.make_node("Identity", [source], [target]) for source, target in pairs]
    graph = helper.make_graph(nodes, "odd", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, os.path.join(folder, f"{name}.onnx"))


def value(name, kind=TensorProto.FLOAT, shape=("N",)):
    return helper.make_tensor_value_info(name, kind, shape)


def odd_models(folder):
    for kind in PLAIN:
        number = getattr(TensorProto, kind)
        save(folder, f"odd {kind}", [("x", "y")], [value("x", number, None)], [value("y", number, None)])
    names = ["__proto__", "constructor", "a/b", '"c"', "d\n", "é😀", "1", "inputs", "model"]
    answers = ["toString", "hasOwnProperty", "A/B", '"C"', "D\n", "É😀", "2", "outputs", "shape"]
    save(folder, "odd names %2F é 😀 + & #", zip(names, answers), map(value, names), map(value, answers))
    many = [f"x{i}" for i in range(200)]
    save(folder, "odd many", [(name, f"y{name}") for name in many], map(value, many), [value(f"y{name}") for name in many])
    untyped = onnx.ValueInfoProto(name="y")
    save(folder, "odd untyped", [("x", "y")], [value("x")], [untyped])
    save(folder, "odd scalar", [("x", "y")], [value("x", shape=())], [value("y", shape=())])
    save(folder, "odd zero", [("x", "y")], [value("x", shape=(0, 3))], [value("y", shape=(0, 3))])
    with open(os.path.join(folder, "odd garbage.onnx"), "wb") as file:
        file.write(b"garbage")
    open(os.path.join(folder, "odd empty.onnx"), "wb").close()


if __name__ == "__main__":
    target = sys.argv[1]
    for name, source in backend_tests():
        os.symlink(os.path.join(source, "model.onnx"), os.path.join(target, f"{name}.onnx"))
    odd_models(target)
    print(len(os.listdir(target)))
