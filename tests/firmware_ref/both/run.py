"""Runs the tests of this directory under MicroPython, without pytest: micropython run.py ROOT MODULE…

Prints `ok MODULE::TEST` for each that passed; the first failure ends the run with its traceback.
"""

import gc
import sys

gc.threshold(4096)  # collect early: garbage between the modules would leave holes in a heap this small
root = sys.argv[1]
sys.path[:0] = [root, root + "/firmware_ref"]

for name in sys.argv[2:]:
    module = __import__("tests.firmware_ref.both." + name, None, None, ("*",))
    for attribute in dir(module):
        if attribute.startswith("test_"):
            getattr(module, attribute)()
            gc.collect()
            print(f"ok {name}::{attribute}")
    print(f"free {name} {gc.mem_free()}")
