"""Every `--help` of the station says what its command does, with an example."""

import click
import pytest
from click.testing import CliRunner

from dscplus_station.cli import COMMANDS, cli


def pages():
    """Every command by its words: `["orders", "import"]`."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group):
            yield from ([name, sub] for sub in command.commands)
        else:
            yield [name]


@pytest.mark.parametrize("page", list(pages()), ids=" ".join)
def test_every_help_page_gives_an_example(page):
    result = CliRunner().invoke(cli, [*page, "--help"], prog_name="dsc-station")
    assert result.exit_code == 0
    assert f"Example:\n    dsc-station {' '.join(page)}" in result.output
