"""The rules and bytes of tallystick: pure functions and values, no I/O, no clock, no randomness.

Read in this order: `base`, `codec`, `signing` (ground); `ops`, `entry`, `statements`, `messages` (nouns);
`verdict`, `placing`, `shapes`, `judging`, `governance`, `ledger` (rules); `witness`, `council`, `fence`, `gathering`,
`deciding`, `signer`, `compose`, `replication`, `commit` (machines).
The same text for people is README.md beside this file.
"""
