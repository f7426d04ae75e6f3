"""What letters and return forms say (R2, R3, R12 to R15, R41, R42), in the holder's language.

`{serial}`: the card's number; `{day}`, `{posted}`: dates; `{issuer}`: a name;
`{lifetime}`: "5 minutes", `{tries}`: a number, both of R6.
"""

# --- The letter ----------------------------------------------------------------------------------
LETTER_TITLE = "Your Digital Security Card+"
ENCLOSED = (
    "With this letter comes your card, number {serial}. Please compare the number with the one on the back "
    "of the card. If they differ, or if the envelope had been opened, call us and do not use the card."
)
HOW_TO = "How to use it"
STEP_PIN = "Hold the press key until PIN> shows."
STEP_PIN_TYPED = (
    "Type the four-digit PIN that you chose when you ordered. A star shows for each digit. Press OK."
)
STEP_CHALLENGE = "CHALLNG> shows. Type the six-digit challenge of the login screen. Press OK."
STEP_RESPONSE = "Type the eight digits that show into the login screen. These are a sample."
EVERY_DIGIT = (
    "The login screen shows a challenge once your user name and password were right. Every digit counts, "
    "zeros in front too. A challenge is good for {lifetime} and for one answer."
)
ACTIVATING = "When it becomes active"
EARLY = (
    "At once, if you like: log in, choose to activate the card, enter the number on its back, and answer one "
    "challenge as shown above."
)
BY_ITSELF_REPLACEMENT = (
    "Otherwise by itself on {day}, counted from its posting on {posted}. From then on you need it to log in. "
    "The device that it replaces, and any temporary access, end with its activation."
)
BY_ITSELF_NEW = (
    "Otherwise by itself on {day}, counted from its posting on {posted}. From then on you need it to log in."
)
KEEPING = "Keeping it safe"
PIN_IS_YOURS = (
    "Only you know the PIN: it is printed nowhere, and nobody from {issuer} will ever ask for it or for a "
    "response of your card. Do not keep it with the card. {tries} wrong answers in a row lock the card."
)
LOST_TITLE = "Lost, stolen, broken, or not needed any more"
LOST = (
    "Call us at once. We block the card, make sure who you are, and give you temporary access, with which "
    "you order a new one. Nothing is charged for an empty battery or an accident; the deposit of 20 USD is "
    "kept if the card is lost, stolen or damaged on purpose."
)
SEND_BACK = (
    "Send back a card that is broken or that you no longer need: we give you a form for it. The deposit is "
    "released when we have received the card."
)
CALL_US = "Telephone"
STEP_FIGURE = "The card; its display shows {shown}"

# --- The return form -----------------------------------------------------------------------------
FORM_NUMBER = "Return {number}"
FORM_CARD = "Card"
FORM_USER = "User name"
FORM_REASON = "Reason"
FORM_SIGNATURE = "Date and signature"
FORM_TRACKING = "Carrier and tracking number"
FORM_SEND_TO = "Send to"
FORM_WHAT_TO_DO = "What to do"
FORM_QUESTIONS = "Questions"
BARCODE = "Barcode: {content}"

TEXTS = tuple(text for name, text in list(vars().items()) if name.isupper())
"""All of them, for the catalogues."""
