"""Whole nodes in one process, over a network in memory and a clock that jumps."""
