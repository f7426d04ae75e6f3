"""Linux' virtual USB host controller: the kernel gets a device whose USB/IP server is behind a socket."""

import socket
from pathlib import Path

VHCI = Path("/sys/devices/platform/vhci_hcd.0")
_FREE = "004"  # VDEV_ST_NULL in the column "sta"
_FULL_SPEED_HUB = "hs"  # the hub with the ports for everything below SuperSpeed


class VhciUnavailable(Exception):
    """There is no virtual host controller; the message says what to type."""


class VhciForbidden(Exception):
    """This user may not attach devices; the message says what to type."""


class Vhci:
    """The controller of this machine."""

    def __init__(self, directory: Path = VHCI) -> None:
        """Raises VhciUnavailable."""
        self._directory = directory
        if not (directory / "attach").exists():
            raise VhciUnavailable(
                "vhci_hcd is not loaded: as root, modprobe vhci_hcd"
                " (on Debian it comes with linux-image-amd64, not with the cloud kernels)"
            )

    def free_ports(self) -> list[int]:
        """Return the ports that a full-speed device can be attached to now, lowest first."""
        ports = []
        for status in self._directory.glob("status*"):  # one for each 30 ports or so: status, status.1, …
            for line in status.read_text(encoding="ascii").splitlines()[1:]:
                hub, port, state, *_rest = line.split()
                if hub == _FULL_SPEED_HUB and state == _FREE:
                    ports.append(int(port))
        return sorted(ports)

    def attach(self, port: int, connection: socket.socket, device_id: int, speed: int) -> None:
        """Hand the connection of an imported device to the kernel, which uses it from then on.

        Raises VhciForbidden; OSError, among them EBUSY when the port has been taken meanwhile.
        """
        attach = self._directory / "attach"
        try:
            attach.write_text(f"{port} {connection.fileno()} {device_id} {speed}", encoding="ascii")
        except PermissionError as error:
            raise VhciForbidden(f"no right to write {attach}: run attach as root") from error
