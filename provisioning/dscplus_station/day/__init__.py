"""The day's picture: what was personalised, how well, how quickly, where it failed; what activates soon."""
