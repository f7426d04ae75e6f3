"""Runs `dsc-station` commands in this process, against a station's home."""

import json
from pathlib import Path

from click.testing import CliRunner

from dscplus_station.cli import cli
from dscplus_station.orders.rules import COLUMNS
from tests.provisioning.support import PASSPHRASE


class Bench:
    """Runs commands against a station's home."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.passphrase_file = folder / "passphrase"
        self.passphrase_file.write_text(PASSPHRASE + "\n")
        self.environment = {
            "DSC_STATION_HOME": str(folder / "home"),
            "DSC_STATION_PASSPHRASE_FILE": str(self.passphrase_file),
        }

    def run(self, *arguments, code=0, **environment):
        result = CliRunner().invoke(cli, [str(a) for a in arguments], env=self.environment | environment)
        assert result.exit_code == code, (arguments, result.output, result.exception)
        if code:
            last = result.stderr.strip().splitlines()[-1]
            assert last.startswith(("dsc-station: ", "Error: ")), result.stderr
        assert "Traceback" not in result.output
        return result

    def json(self, *arguments, code=0):
        document = json.loads(self.run(*arguments, "--json", code=code).stdout)
        assert document["format"].startswith("dsc-station.") and document["format"].endswith("/1")
        return document

    def scanned_back(self, order="O-1"):
        """Print the label of an order's card, and scan both: options of `ship`."""
        label = self.json("parcels", "label", order)
        return ["--card", label["serial_number"], "--label", label["barcode"]]

    def file(self, name, content):
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def orders_file(self, *orders, name="orders.csv"):
        lines = [",".join(f'"{order[column]}"' for column in COLUMNS) for order in orders]
        return self.file(name, "\n".join([",".join(COLUMNS), *lines]) + "\n")
