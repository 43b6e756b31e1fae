"""The commands of `tally`: one function each, grouped by what they are about.

A command asks the running wallet over loopback and says what came of it; only `init`, `up` and `words` work in their
own process. Modules here load nothing slow: what is, is imported inside the function that needs it.
"""
