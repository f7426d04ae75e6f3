"""Sample facts for documents."""

from dataclasses import replace
from datetime import UTC, date, datetime

from dscplus_station.documents.label import LabelFacts
from dscplus_station.documents.letter import LetterFacts
from dscplus_station.orders.rules import OrderKind

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)

LABEL = LabelFacts(
    issuer="Sample Issuer",
    order="O-1042",
    serial_number="0000000018",
    copy=1,
    name="Alice Sample",
    address="1 Sample Road, Sampleville, NY 10001",
    country="US",
    slot="2",
)
JAPANESE = replace(LABEL, name="佐藤 花子", address="東京都千代田区霞ヶ関3-2-5, 100-6025", country="JP")
CYRILLIC = replace(
    LABEL,
    name="Екатерина Константиновна Образцова-Преображенская",
    address="ул. Примерная, д. 5\nг. Образцов\n123456",
    country="RU",
)
LONGEST = replace(
    LABEL,
    issuer="I" * 64,
    order="ORDER-2026-11-22-with-a-very-long-name-x",
    copy=9999,
    name=("María Fernández de la Muestra y Ejemplo " * 3)[:120],
    address=("Calle de la Muestra larga 12, " * 14)[:400],
    country="ES",
)
LETTER = LetterFacts(
    issuer="Sample Issuer",
    language="en",
    order="O-1042",
    serial_number="0000000018",
    name="Alice Sample",
    address="1 Sample Road, Sampleville, NY 10001",
    country="US",
    kind=OrderKind.REPLACEMENT,
    written_on=date(2026, 11, 22),
    posted_on=date(2026, 11, 22),
    activates_on=date(2026, 12, 13),
    contacts=("US 1 (877) 442-2757 (toll-free)", "US 1 (312) 542-6901"),
)
