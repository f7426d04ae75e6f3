"""How large the card is as MicroPython bytecode: python -m tests.firmware_ref.size_table

mpy-cross compiles every file of the core; one that does not compile ends this with exit code 1.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "firmware_ref" / "dscplus_card").glob("*.py"))
MPY_CROSS = Path(sys.executable).parent / "mpy-cross"


def compiled_size(source: Path) -> int:
    """Bytes of `source` as .mpy. Raises RuntimeError with the compiler's words when it does not compile."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.mpy"
        run = subprocess.run(
            [MPY_CROSS, "-o", target, source], capture_output=True, text=True, timeout=60, check=False
        )
        if run.returncode:
            raise RuntimeError(f"{source.name} does not compile for MicroPython: {run.stderr.strip()}")
        return target.stat().st_size


def main() -> int:
    """Print the table."""
    total = 0
    print(f"{'module':<20}{'lines':>7}{'source':>9}{'.mpy':>8}   bytes")
    for source in CORE:
        try:
            size = compiled_size(source)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
        total += size
        print(
            f"{source.stem:<20}{len(source.read_text().splitlines()):>7}{source.stat().st_size:>9}{size:>8}"
        )
    print(f"{'':<36}{total:>8}   of the RP2040's 2 MiB of flash")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
