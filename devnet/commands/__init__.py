"""The commands of `tally-devnet`, grouped by what they do: `living` starts a community, `ordering` gives orders to a
running one, `replaying` replays a CSV. Each is read from the command line here and carried out elsewhere.
"""
