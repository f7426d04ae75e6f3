"""Who plays, and what is theirs: sample data, and plainly so."""

from dscplus_station.csvfile import Row
from dscplus_station.ordering.service import Address

ANNA = "anna.sample"
TRUST = "anna.trust"
"""Anna's second user name, of another account: the same entity (R24)."""
MANY = 1_000_000_01
"""Cents: equity one cent above what a first card takes (R9)."""
PIN = "4826"
OTHER_PIN = "9153"
"""Chosen for the replacement."""
OLD_ADDRESS = Address("Anna Sample", "1 Sample Road, Sampleville", "US")
NEW_ADDRESS = Address("Anna Sample", "22 Sample Avenue, Sampleville", "US")
COUNTRIES = frozenset({"US"})
CARRIER = "Sample Post"
OLD_CODE_CARD = "SCC-SAMPLE-1"
"""The legacy code card that anna.trust has used so far."""
FIRST_ORDER, SECOND_ORDER = "STORY-1", "STORY-2"


def users() -> list[Row]:
    """Both user names as a users file has them."""
    person = {
        "entity": "E-SAMPLE-1",
        "primary": "yes",
        "birth_date": "1980-02-29",
        "citizenship": "US",
        "residence": "US",
        "document_type": "passport",
        "document_number": "SAMPLE123",
        "ssn": "",
        "phone": "+12025550123",
    }
    accounts = ((ANNA, "U-SAMPLE-1"), (TRUST, "U-SAMPLE-2"))
    return [
        Row(line, person | {"user": user, "account": account})
        for line, (user, account) in enumerate(accounts, 2)
    ]
