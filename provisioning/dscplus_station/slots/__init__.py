"""Slots: the row of cradles on the bench. Which is where, what is in it, and how its card's work goes on."""
