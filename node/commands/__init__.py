"""The commands of `tally-node`, and the options that `tally` has in common with it.

Modules here load nothing slow: what is, is imported inside the function that needs it.
"""
