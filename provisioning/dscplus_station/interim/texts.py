"""What is printed with an online card. `{issuer}`, `{user}`: names; `{number}`: its own; `{day}`: a day."""

TITLE = "Online Security Code Card"
OWNER = "Card {number} for {user}"
HOW_TO_USE = (
    "At login you are shown two numbers. Find the value beside each of them, and type both values one after "
    "the other: six characters."
)
CONFIRM = (
    "Confirm this card, where you printed it, by {day}. From then on you can log in with it, that day and "
    "{days} days more."
)
KEEP = (
    "Keep this sheet where nobody else sees it, do not photograph it, and destroy it when your new card is "
    "active. Nobody from {issuer} will ever ask you for its values."
)
