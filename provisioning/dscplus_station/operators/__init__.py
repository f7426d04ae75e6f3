"""Operators: who works here, what they may do, how they prove who they are."""
