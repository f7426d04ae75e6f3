"""Coverage-guided fuzzing, by hand: ``python -m tests.fuzz.guided TARGET [libFuzzer's options]``.

Needs atheris (``pip install atheris``; no dependency of the suite). TARGET is one of those in targets.py,
or ``life-of-a-card``. E.g. ten minutes on one target, what it finds kept in a folder::

    python -m tests.fuzz.guided card-takes-any-frames -max_total_time=600 -max_len=2000 corpus/

A failure prints a traceback and leaves a file ``crash-…``; give that file as the only argument after TARGET
to see it again, and add it as a test.
"""

import sys
from pathlib import Path

import atheris

SOURCE_ROOTS = ("firmware_ref", "driver")
ROOT = Path(__file__).parents[2]


def main() -> None:
    sys.path[:0] = [str(ROOT / folder) for folder in SOURCE_ROOTS]
    with atheris.instrument_imports(include=["dscplus_card", "dscplus_driver"]):
        from tests.fuzz import meddler, targets
    all_targets = targets.TARGETS | {"life-of-a-card": meddler.life_of_a_card}
    if len(sys.argv) < 2 or sys.argv[1] not in all_targets:
        sys.exit(f"usage: python -m tests.fuzz.guided TARGET [options]; TARGET: {', '.join(all_targets)}")
    target = all_targets[sys.argv.pop(1)]

    def run(data: bytes) -> None:
        target(data)  # its result, if it has one, is none of libFuzzer's business

    atheris.Setup(sys.argv, run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
