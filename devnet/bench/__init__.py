"""The bench: what this node costs, each figure as a ratio to something measured beside it in the same run.

`tally-devnet bench` runs all of it in a few minutes. Figures are of this machine and of this minute; only the
ratios are to be compared. Every run also checks that balances are right and nothing failed, or it counts for nothing.
"""
