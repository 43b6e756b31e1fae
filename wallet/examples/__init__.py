"""Small programs over `wallet.connect` and `wallet.open`, to read and to change: each is whole and does one thing.

    python -m wallet.examples.till 4.50              a shop's till: waits until somebody pays that much
    python -m wallet.examples.payroll hours.csv ...  pays everybody for the hours in a CSV file
    python -m wallet.examples.thanks                 a bot that says thanks for each payment
    python -m wallet.examples.chart balance.svg      draws one's balance over time

Each takes --home; without it the home is that of the command `tally`.
"""
