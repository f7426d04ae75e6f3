"""`python -m tests.kernel.rig`: a shell in the guest, for the Makefile."""

import sys

from . import packages, qemu

try:
    sys.exit(qemu.shell(qemu.machine()))
except packages.RigUnavailable as error:
    sys.exit(str(error))
