"""Every `--help` of the station says what its command does, with an example."""

import click
import pytest
from click.testing import CliRunner

from dscplus_station.cli import COMMANDS, cli


def pages():
    """Every command by its words: `["orders", "import"]`."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        yield from _below([name], command)


def _below(words, command):
    if not isinstance(command, click.Group):
        yield words
        return
    for name, sub in command.commands.items():
        yield from _below([*words, name], sub)


@pytest.mark.parametrize("page", list(pages()), ids=" ".join)
def test_every_help_page_gives_an_example(page):
    result = CliRunner().invoke(cli, [*page, "--help"], prog_name="dsc-station")
    assert result.exit_code == 0
    assert f"Example:\n    dsc-station {' '.join(page)}" in result.output
