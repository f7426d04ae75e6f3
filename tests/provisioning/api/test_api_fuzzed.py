"""The API is what its description says, for whatever is sent: no 500, no trace, nothing undescribed."""

import re
import uuid

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import positive_data_acceptance

from dscplus_station.api.app import description
from dscplus_station.tokens.rules import KEY, Scope
from tests.provisioning.api.api_world import PASSWORD, ApiWorld
from tests.provisioning.support import GOOD_PIN

EXAMPLES = 10
"""Requests a call, judged by every check but one: what fits the description may still be refused (R8, R9)."""

SCOPES = {"warehouse": Scope.WAREHOUSE, "office": Scope.OFFICE, "audit": Scope.AUDITOR}
"""The token of a call, by its tag; all others are the portal's."""


class Served:
    """The app of the module's station: calls are collected before there is one."""

    app = None

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


served = Served()
schema = schemathesis.openapi.from_dict(description())
schema.app = served


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = ApiWorld(tmp_path_factory.mktemp("fuzzed")).with_alice()
    served.app = world.app
    yield world
    world.close()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_the_answer_is_as_described(case, world):
    world.seconds += 60  # nobody asks too fast here
    if re.fullmatch(KEY, str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())  # else most are one minimal key, used already
    scope = SCOPES.get(case.operation.tags[0], Scope.PORTAL)
    response = case.call_and_validate(
        headers={"Authorization": f"Bearer {world.tokens[scope]}"}, excluded_checks=[positive_data_acceptance]
    )
    text = response.content.decode()
    for never in ("Traceback (most", "sqlalchemy.", "$argon2", world.tokens[scope], PASSWORD, GOOD_PIN):
        assert never not in text
