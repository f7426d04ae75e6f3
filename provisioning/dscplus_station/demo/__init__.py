"""A demonstration: a fresh station with sample data, virtual cards, and the whole main job done once."""
