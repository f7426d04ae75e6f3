"""What the returns desk's pages are drawn from, and the work that they ask of a slot."""
