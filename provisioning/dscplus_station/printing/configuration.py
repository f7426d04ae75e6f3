"""The `[printer]` part of the station's settings.

[printer]
host = "192.0.2.7"               # or: device = "/dev/usb/lp0"; or: folder = "/srv/station/labels"
port = 9100
dots_per_mm = 8                  # or 12: a printer of 203 or 300 dots an inch
"""

from pathlib import Path

from dscplus_station.errors import BadInput
from dscplus_station.printing.printers import Printer
from dscplus_station.printing.printers.device import DevicePrinter
from dscplus_station.printing.printers.folder import FolderPrinter
from dscplus_station.printing.printers.network import NetworkPrinter
from dscplus_station.station import Station

DOTS_PER_MM = (8, 12)
RAW_PORT = 9100
_WAYS = ("host", "device", "folder")
_KEYS = frozenset({*_WAYS, "port", "dots_per_mm"})


def read_printer(station: Station) -> Printer:
    """The station's label printer; a demo home without one prints into its folder `labels`.

    Raises:
        BadInput: there is none, or a setting cannot be used.
    """
    part = station.settings.printer
    if not part and station.settings.demo:
        return FolderPrinter(station.home.path / "labels", DOTS_PER_MM[0])
    if unknown := set(part) - _KEYS:
        raise BadInput(f"[printer] has {', '.join(sorted(_KEYS))}, not {', '.join(sorted(unknown))}")
    ways = [way for way in _WAYS if way in part]
    if len(ways) != 1 or not isinstance(part[ways[0]], str) or not part[ways[0]]:
        raise BadInput(
            'station.toml names no label printer: [printer] takes host = "…", device = "/dev/usb/lp0" '
            'or folder = "…", one of the three'
        )
    port, dots = part.get("port", RAW_PORT), part.get("dots_per_mm", DOTS_PER_MM[0])
    if type(port) is not int or not 0 < port < 65536 or ("port" in part and ways != ["host"]):
        raise BadInput("[printer] port is a number from 1 to 65535, and goes with host")
    if type(dots) is not int or dots not in DOTS_PER_MM:
        raise BadInput("[printer] dots_per_mm is 8 or 12: a printer of 203 or 300 dots an inch")
    where = part[ways[0]]
    match ways[0]:
        case "host":
            return NetworkPrinter(where, port, dots)
        case "device":
            return DevicePrinter(Path(where), dots)
        case _:
            return FolderPrinter(Path(where), dots)
