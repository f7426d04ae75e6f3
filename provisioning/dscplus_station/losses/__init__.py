"""Losses: cards reported lost, stolen, damaged or dead, and deposits that are captured for it."""
