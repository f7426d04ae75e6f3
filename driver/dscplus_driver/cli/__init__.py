"""`dsc`: the command line of the driver."""

import sys

from .. import __version__

NAME = "dsc"


def main() -> None:
    """Run `dsc` with the process's arguments and exit with its code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:  # answered before anything else is imported
        print(f"{NAME} {__version__}")
        return
    from .run import run
    from .streams import prepare_standard_streams

    prepare_standard_streams()
    sys.exit(run(arguments))
