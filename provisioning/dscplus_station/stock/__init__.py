"""Stock: the cards themselves: batches, physical life, counting."""
