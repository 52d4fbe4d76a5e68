import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from lib.params import parse_params


class Params(unittest.TestCase):
    def test_sections_hold_numbers_and_texts(self):
        self.assertEqual(parse_params("a:\n  x: 1e-3 # small\n  y: text\n"), {"a": {"x": 0.001, "y": "text"}})

    def test_what_is_not_understood_is_an_error(self):
        for text in ("x: 1\n", "a:\n  - 1\n", "a:\n  x: 1\n  x: 2\n"):
            with self.assertRaises(SystemExit):
                parse_params(text)


if __name__ == "__main__":
    unittest.main()
