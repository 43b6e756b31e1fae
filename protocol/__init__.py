"""The rules and bytes of tallystick: pure functions and values, no I/O, no clock, no randomness.

Read in this order: `base`, `codec`, `signing` (ground); `ops`, `entry`, `statements` (nouns);
`verdict`, `commons`, `ledger` (rules); `witness`, `rounds`, `signer`, `replication` (machines).
The same text for people is README.md beside this file.
"""
