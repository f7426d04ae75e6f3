"""What a scanner's burst meant, when it came on top of something that stood in the field."""

from typing import Annotated

from fastapi import Depends, Form

from dscplus_station.scans.rules import Origin, TrackingScan, Unreadable, parse


def meant(whole: str, burst: str) -> str:
    """What is to be taken of all that was typed before an Enter.

    How fast keys came tells only where a scan may have begun: one that stalls in the middle, by a radio or a
    laden machine, leaves its second half as a burst. Whatever has check characters decides which it is. Where
    neither has, as with some carriers' numbers, it is given as two pieces, which nobody takes for a number.

    Args:
        whole: everything since the last Enter.
        burst: its end, where that came at a scanner's pace; empty if nothing did, or all of it.
    """
    if not burst or _is_checked(whole):
        return whole
    return burst if _is_checked(burst) else f"{whole.removesuffix(burst)}\n{burst}"


def _is_checked(text: str) -> bool:
    scan = parse(text)
    return not (
        isinstance(scan, Unreadable) or (isinstance(scan, TrackingScan) and scan.origin is Origin.FREE)
    )


def _scanned(
    code: Annotated[str, Form(max_length=400)] = "", burst: Annotated[str, Form(max_length=400)] = ""
) -> str:
    return meant(code, burst)


Scanned = Annotated[str, Depends(_scanned)]
"""What was scanned, or typed in its place, into a form that scanner.js watches."""
