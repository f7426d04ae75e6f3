"""`python -m tests.kernel.rig missing | shell`: for the Makefile."""

import sys

from . import packages, qemu


def main(arguments: list[str]) -> int:
    """Run one of the two; `missing` exits 1 and says what is missing, 0 if nothing is."""
    try:
        match arguments:
            case ["missing"]:
                packages.check_machine()
                return 0
            case ["shell"]:
                return qemu.shell(qemu.machine())
            case _:
                print("usage: python -m tests.kernel.rig missing|shell", file=sys.stderr)
                return 2
    except packages.RigUnavailable as error:
        print(error, file=sys.stderr)
        return 1


sys.exit(main(sys.argv[1:]))
