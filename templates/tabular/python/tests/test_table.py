import sys
import unittest
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from lib.params import parse_params
from table import describe_columns, describe_target, to_raw

FRAME = pd.DataFrame(
    {
        "size": ["1", "3", ""],
        "colour": ["red", "blue", "red"],
        "always": ["x", "x", "x"],
        "price": ["10", "20", "30"],
    }
)


class Table(unittest.TestCase):
    def test_inputs(self):
        inputs = describe_columns(FRAME, "price")
        self.assertEqual([(c["name"], c["kind"]) for c in inputs], [("size", "number"), ("colour", "text")])
        self.assertEqual(inputs[1]["values"], ["blue", "red"])

    def test_missing_and_unknown_values_are_filled(self):
        inputs = describe_columns(FRAME, "price")
        rows = pd.DataFrame({"size": ["", "3"], "colour": ["", "green"]})
        self.assertEqual(to_raw(inputs, rows).tolist(), [[2, 1], [3, 1]])

    def test_targets(self):
        self.assertEqual(describe_target("t", pd.Series(["b", "a", "b"]))["classes"], ["a", "b"])
        self.assertEqual(describe_target("t", pd.Series(["10", "9", "10"]))["classes"], ["9", "10"])
        self.assertEqual(describe_target("t", pd.Series(["0.5", "1.5"]))["kind"], "number")

    def test_params(self):
        self.assertEqual(parse_params("a:\n  x: 1e-3 # small\n  y: some text\n"), {"a": {"x": 0.001, "y": "some text"}})


if __name__ == "__main__":
    unittest.main()
