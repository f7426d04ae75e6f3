"""docs/api-reference.md is what the API's description says."""

from pathlib import Path

from dscplus_station.api.app import description
from dscplus_station.api.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "api-reference.md"


def test_the_page_is_the_descriptions():
    advice = "python -m dscplus_station.api.reference > docs/api-reference.md"
    assert PAGE.read_text(encoding="utf-8") == reference(), advice


def test_every_call_names_its_token_and_what_creates_its_key():
    for path, methods in description()["paths"].items():
        for method, call in methods.items():
            assert call["security"] == [{"HTTPBearer": []}], path
            named = [one["name"] for one in call.get("parameters", [])]
            if method == "post" and "201" in call["responses"] and not path.startswith("/v1/logins"):
                assert "idempotency-key" in named, path
            assert "application/problem+json" in call["responses"]["422"]["content"], path
