"""Personalise: puts keys, seed and PIN on a card, by a journalled saga."""
