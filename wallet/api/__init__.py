"""What a person's programs may ask the wallet over HTTP, a module for each subject; `wallet.up` puts them together.

Each module has one class with `routes()`. The server, its guard and the shape of failures are in `node.web`.
"""
