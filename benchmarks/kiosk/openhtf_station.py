"""OpenHTF's station server with a phase that waits for a person; run by the interpreter that has it."""

import sys

import openhtf
from openhtf.output.servers import station_server
from openhtf.plugs import user_input
from openhtf.util import configuration

configuration.CONF.load(station_server_port=sys.argv[1])


def phase(test: object) -> None:
    """Do nothing: the page is what is measured."""


with station_server.StationServer() as server:
    test = openhtf.Test(phase)
    test.add_output_callbacks(server.publish_final_state)
    test.execute(test_start=user_input.prompt_for_test_start())
