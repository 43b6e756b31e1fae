"""The stewards' part of a wallet: acts of the community, ballots, calls, invites and requests, a charter in words."""
