"""Measuring: how judging does in circumstances that the samples do not have."""
