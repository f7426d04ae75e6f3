"""Requests under an idempotency key: made once, answered as often as they come."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update

from dscplus_station.db import affected
from dscplus_station.keystore.interface import Keystore, answer_of
from dscplus_station.station import Station
from dscplus_station.tokens.rules import KEEP_ANSWERS, Repetition, keeps, repetition
from dscplus_station.tokens.tables import KeptAnswer


@dataclass(frozen=True)
class Kept:
    """An answer: its status, content type and body."""

    status: int
    content_type: str
    body: bytes


def begin(
    station: Station, keystore: Keystore, name: str, key: str, request: bytes
) -> Kept | Repetition | datetime:
    """Begin a request of a program under a key, which belongs to it from now on.

    Args:
        request: all that tells it from another one.

    Returns:
        its kept answer, or why it is not made; a moment: it is to be made, and `finish` is to be told this.
    """
    context, digest = answer_of(name, key), hashlib.sha256(request).digest()
    with station.database.noting() as session:
        now = station.now()
        session.execute(delete(KeptAnswer).where(KeptAnswer.begun_at <= now - KEEP_ANSWERS))
        known = session.get(KeptAnswer, (name, key), with_for_update=True)
        if known is None:
            sealed = keystore.seal(context, digest)
            session.add(KeptAnswer(name=name, key=key, sealed_request=sealed, begun_at=now))
            return now
        what = repetition(
            now,
            known.begun_at,
            same=hmac.compare_digest(keystore.unseal(context, known.sealed_request), digest),
            answered=known.status is not None,
        )
        if what is Repetition.STALLED:
            known.begun_at = now
            return now
        if what is not Repetition.ANSWERED or known.status is None or known.sealed_answer is None:
            return what
        status, sealed = known.status, known.sealed_answer
    head, _, body = keystore.unseal(context, sealed).partition(b"\n")
    return Kept(status, json.loads(head), body)


def forget_old(station: Station) -> int:
    """Forget the answers that are kept no longer; gives how many."""
    with station.database.noting() as session:
        return affected(
            session, delete(KeptAnswer).where(KeptAnswer.begun_at <= station.now() - KEEP_ANSWERS)
        )


def finish(
    station: Station,
    keystore: Keystore,
    name: str,
    key: str,
    begun_at: datetime,
    answer: Kept,
    *,
    of_the_deed: bool = True,
) -> None:
    """Keep a request's answer; one that says nothing about the request gives its key free again.

    Where it had stalled, and was made again meanwhile, the key is that one's: nothing is done.

    Args:
        begun_at: what `begin` gave.
        of_the_deed: as for `rules.keeps`.
    """
    mine = (KeptAnswer.name == name, KeptAnswer.key == key, KeptAnswer.begun_at == begun_at)
    with station.database.noting() as session:
        if not keeps(answer.status, of_the_deed=of_the_deed):
            session.execute(delete(KeptAnswer).where(*mine))
            return
        content = json.dumps(answer.content_type).encode() + b"\n" + answer.body
        sealed = keystore.seal(answer_of(name, key), content)
        session.execute(update(KeptAnswer).where(*mine).values(status=answer.status, sealed_answer=sealed))
