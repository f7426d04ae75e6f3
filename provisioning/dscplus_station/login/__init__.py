"""Login: challenges, responses, locks."""
