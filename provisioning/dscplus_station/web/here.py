"""What a refusal advises who stands at a page: where to go there, or who can do it; not a command to type.

The rooms behind the pages serve the command line, too, and name its commands. A page says these instead.
"""

from dscplus_station.wording import N_

AT_A_PAGE = {
    "card {card} is in quarantine: `dsc-station quarantine show {card}` tells why": N_(
        "card {card} is in quarantine: its page (Cards) tells why"
    ),
    "card {card} is not in quarantine: `dsc-station quarantine list`": N_(
        "card {card} is not in quarantine: the shelf's page (Returns) lists those that are"
    ),
    "card {card} of order {order} has no label yet: print it (dsc-station parcels label {order})": N_(
        "card {card} of order {order} has no label yet: scan the card, and REPRINT"
    ),
    "card {card} was not inspected since it came back: `dsc-station returns inspect {card}`": N_(
        "card {card} was not inspected since it came back: scan it at the returns desk and plug it in"
    ),
    "card {card} was not inspected: `dsc-station returns inspect {card}`": N_(
        "card {card} was not inspected: scan it at the returns desk and plug it in"
    ),
    (
        "card {card}: its {kind} was begun and has not ended: run `dsc-station returns {kind} {card}` again"
    ): N_("card {card}: its {kind} was begun and has not ended: go on with it at the returns desk"),
    "no operator {name}: `dsc-station operators list`": N_("no operator {name} at this station"),
    "no order {order}: `dsc-station orders list` shows them": N_(
        "no order {order}: look for it in the list (Orders)"
    ),
    "no return {number}: `dsc-station returns list` shows them": N_(
        "no return {number}: the returns desk's page (Returns) lists them"
    ),
    "no user {name}: `dsc-station users list` shows them": N_("no user {name} at this station"),
    (
        "not accepted: name or badge and secret do not go together, or the wait after a wrong one is not "
        "over. {most} in a row lock; a supervisor releases (dsc-station operators release NAME)"
    ): N_(
        "not accepted: name or badge and secret do not go together, or the wait after a wrong one is "
        "not over. {most} in a row lock, until a supervisor releases it"
    ),
    (
        "order {order} has label {copy}, {state}: `dsc-station labels print` sends what waits, "
        "`dsc-station labels reprint {order}` prints another one"
    ): N_("order {order} has label {copy}, {state}: Documents prints what waits, or prints the label again"),
    (
        "order {order} is being served by card {card}: plug that card in, or, if it is dead, set it "
        "aside: dsc-station quarantine add {card}"
    ): N_(
        "order {order} is being served by card {card}: plug that card in, or, if it is dead, set it "
        "aside on its page (Cards)"
    ),
    "order {order} is in nobody's hands: `dsc-station parcels list`": N_(
        "order {order} is in nobody's hands: scan it at the bench"
    ),
    (
        "order {order}: its card is here, and the returns desk has not judged it yet: `dsc-station "
        "returns inspect {card}` first"
    ): N_(
        "order {order}: its card is here, and the returns desk has not judged it yet: scan {card} there first"
    ),
    (
        "the badge of {operator}: that is no badge's code: `dsc-station operators badge {operator}` draws one"
    ): N_("the badge of {operator}: that is no badge's code; a security officer has one drawn"),
    (
        "the system's user {system_user} is none of this station's operators: a security officer adds "
        "one (dsc-station operators add NAME --system-user …)"
    ): N_("the system's user {system_user} is none of this station's operators: a security officer adds one"),
    (
        "{operator} is locked after {most} wrong secrets in a row: a supervisor releases it (dsc-station "
        "operators release {operator})"
    ): N_("{operator} is locked after {most} wrong secrets in a row, until a supervisor releases it"),
    "{what} may have come out: look. If not: `dsc-station {again}`": N_(
        "{what} may have come out: look. If not, print it again (Documents)"
    ),
    "{what} waits: put the printer right, then `dsc-station labels print`": N_(
        "{what} waits: put the printer right, then “Print what waits” (Documents)"
    ),
}
"""The text of a room, and what a page says instead, of the same facts."""
