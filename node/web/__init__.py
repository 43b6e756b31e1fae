"""The one HTTP server of a home, on loopback: the guard, the shape of failures, the application, the connections.

Shared by the node's and the wallet's routes. Web libraries are imported here and in the two `api` modules only.
"""
