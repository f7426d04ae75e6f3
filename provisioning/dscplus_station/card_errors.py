"""What the driver's errors say, as words that a page can translate; in English the same to the letter."""

from dscplus_driver.errors import DscError
from dscplus_station.wording import Words, words


def card_error_told(error: DscError) -> Words:
    """`str(error)`, in parts: where, what, what to do now."""
    facts = {"where": error.where, "what": words(error.what), "advice": words(error.advice)}
    where = "{where}: " if error.where else ""
    return words(f"{where}{{what}}. {{advice}}" if error.advice else f"{where}{{what}}.", **facts)
