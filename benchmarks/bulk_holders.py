"""What the holders of the bulk records' cards did: deposits, interim access, logins, withdrawals, returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .bulk_cards import FIRST, Card, Rows, account_of, insert

LOGINS = 2
"""So many of each active card are on record."""
INTERIM = 10_000_000
"""Added to a card's number: that of what was given or told before the card was active."""
FAR = "2040-01-01 00:00:00.000000"


def _holds(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.out:
            yield one.order, one.serial, account_of(one.user), 2000, "USD", "HELD", one.moment


def _interim(cards: Sequence[Card]) -> Iterator[tuple[Card, int, bool]]:
    """The cards whose users were given an online card, its number, and whether it still works."""
    for one in cards:
        if one.kind == "replacement" and (one.pending or one.active):
            yield one, INTERIM + one.number, one.pending


def _online_cards(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one, number, works in _interim(cards):
        yield (
            number, "Online Security Code Card", f"OSC-{one.number:08d}", b"-" if works else None, FAR,
            one.moment, None if works else one.moment,
        )  # fmt: skip


def _online_card_users(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one, number, works in _interim(cards):
        yield (
            number, number, one.user, "ACTIVE" if works else "REVOKED", one.moment, one.moment, "USER",
            None if works else one.moment, 0,
        )  # fmt: skip


def _announcements(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    """Of every other card on its way the user was told that its day approaches."""
    for one in cards:
        if one.pending and one.number % 20 < 10:
            number = INTERIM + one.number
            kind = "ACTIVATION_APPROACHING"
            yield number, kind, one.order, one.number, one.user, "en", "{}", one.moment


def _announced(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    """That waits to be sent: the activation takes it back."""
    for number, *_ in _announcements(cards):
        yield number, "EMAIL", f"{number:032x}", "WAITING", 0, FIRST.strftime("%Y-%m-%d %H:%M:%S.%f")


def _logins(cards: Sequence[Card]) -> Iterator[tuple[Card, int]]:
    """Active cards, and the number of each of their logins."""
    for one in cards:
        if one.active:
            for turn in range(LOGINS):
                yield one, one.number * LOGINS + turn


def _portal_logins(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one, number in _logins(cards):
        yield f"{number:064x}", one.user, one.moment, 0, one.moment, one.number


def _challenges(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one, number in _logins(cards):
        question = f"{number * 7919 % 1_000_000:06d}"
        yield number, one.number, question, "LOGIN", one.moment, one.moment, one.moment


def _attempts(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one, number in _logins(cards):
        yield one.number, number, "LOGIN", "RIGHT", one.moment


def _withdrawals(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one, number in _logins(cards):
        yield f"W-{number:012d}", "WITHDRAWAL", one.user, "DSC+", 100_000, one.day.isoformat(), one.moment


def _returns(cards: Sequence[Card]) -> Iterator[tuple[object, ...]]:
    for one in cards:
        if one.state in ("RETURNED", "INSPECTED"):
            state = "RECEIVED" if one.state == "RETURNED" else "INSPECTED"
            yield one.serial, one.order, "breakage", "us-canada", state, one.moment, one.moment, one.moment


_ASSIGNED = (
    "id, device_id, user_name, state, created_at, activated_at, activated_by, revoked_at, wrong_responses"
)

HOLDERS: tuple[tuple[str, Rows], ...] = (
    (insert("hold", "order_id, serial_number, account, amount_cents, currency, state, opened_at"), _holds),
    (
        insert("device", "id, type, serial_number, sealed_codes, expires_at, enrolled_at, ended_at"),
        _online_cards,
    ),
    (insert("assignment", _ASSIGNED), _online_card_users),
    (
        insert("notice", "id, kind, order_id, shipment_id, user_name, language, facts, queued_at"),
        _announcements,
    ),
    (insert("delivery", "notice_id, channel, reference, state, attempts, due_at"), _announced),
    (insert("portal_login", "token_hash, user_name, begun_at, tries, ended_at, device_id"), _portal_logins),
    (
        insert("challenge", "id, assignment_id, question, purpose, issued_at, expires_at, used_at"),
        _challenges,
    ),
    (insert("attempt", "assignment_id, challenge_id, purpose, outcome, at"), _attempts),
    (insert("movement", "reference, kind, user_name, device_type, amount_cents, on_day, at"), _withdrawals),
    (
        insert(
            "card_return",
            "serial_number, order_id, reason, region, state, announced_at, received_at, changed_at",
        ),
        _returns,
    ),
)
"""After the records of the cards themselves."""
