"""The tables of the journal: how the records lie on the disk.

Entries are keyed by the order of their arrival, which is several times cheaper than a random hash as key. Row numbers
`n` come from one counter for all tables, so that merging the tables by `n` gives back the one order of all records.
Nothing is said twice: a certificate or vote names the row of its entry, which knows account, seq and id. A checksum in
every row finds what a disk forgot or turned round, before anything follows from it.
"""

APPLICATION_ID = 0x74616C79
"""The letters "taly" in the header of the file."""
VERSION = 1
"""Of these tables. A file with a higher one was written by newer software and is left alone."""

TABLES = {
    "store": "generation BLOB NOT NULL",
    "entries": """
        n INTEGER PRIMARY KEY,
        account INTEGER NOT NULL,
        incarnation INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id6 INTEGER NOT NULL,
        body BLOB NOT NULL,
        signatures BLOB NOT NULL,
        checksum INTEGER NOT NULL""",
    "certificates": """
        n INTEGER PRIMARY KEY,
        entry INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        round INTEGER NOT NULL,
        numbers BLOB NOT NULL,
        signatures BLOB NOT NULL,
        checksum INTEGER NOT NULL""",
    "votes": """
        n INTEGER PRIMARY KEY,
        entry INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        witness INTEGER NOT NULL,
        number INTEGER NOT NULL,
        signature BLOB NOT NULL,
        checksum INTEGER NOT NULL""",
    "notes": """
        n INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        content BLOB NOT NULL,
        checksum INTEGER NOT NULL""",
}
ROW_TABLES = ("entries", "certificates", "votes", "notes")

INDEXES = (
    "CREATE INDEX entries_by_place ON entries (account, incarnation, seq)",
    "CREATE INDEX entries_by_id ON entries (id6)",
    "CREATE INDEX certificates_by_entry ON certificates (entry)",
)

APPEND_ONLY = """
    CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""


def statements() -> list[str]:
    """All that makes an empty file a journal, to be run in one transaction."""
    tables = [f"CREATE TABLE {name} ({columns}) STRICT" for name, columns in TABLES.items()]
    triggers = [APPEND_ONLY.format(table=name, verb=verb) for name in TABLES for verb in ("UPDATE", "DELETE")]
    header = [f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {VERSION}"]
    return [*tables, *INDEXES, *triggers, *header]


PUT = {
    "entries": "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "certificates": "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?, ?)",
    "votes": "INSERT INTO votes VALUES (?, ?, ?, ?, ?, ?, ?)",
    "notes": "INSERT INTO notes VALUES (?, ?, ?, ?)",
}

_ENTRY = "SELECT n, account, incarnation, seq, id6, body, signatures, checksum FROM entries"
# CROSS JOIN keeps the order of the loops as written: the few certificates or votes outside, their entries inside.
_CERTIFICATE = """
    SELECT c.n, e.account, e.incarnation, e.seq, e.body, c.entry, c.epoch, c.round, c.numbers, c.signatures, c.checksum
    FROM certificates c CROSS JOIN entries e ON e.n = c.entry"""
_VOTE = """
    SELECT v.n, e.account, e.incarnation, e.seq, e.body, v.entry, v.epoch, v.witness, v.number, v.signature, v.checksum
    FROM votes v CROSS JOIN entries e ON e.n = v.entry"""
_CERTIFICATE_PLACE = """
    SELECT c.n, e.account, e.incarnation, e.seq, e.body
    FROM certificates c CROSS JOIN entries e ON e.n = c.entry"""

# The rows above the first parameter, up to and with the second, at most the third.
ENTRIES_IN = f"{_ENTRY} WHERE n > ? AND n <= ? ORDER BY n LIMIT ?"
CERTIFICATES_IN = f"{_CERTIFICATE} WHERE c.n > ? AND c.n <= ? ORDER BY c.n LIMIT ?"
VOTES_IN = f"{_VOTE} WHERE v.n > ? AND v.n <= ? ORDER BY v.n LIMIT ?"
NOTES_IN = "SELECT n, kind, content, checksum FROM notes WHERE n > ? AND n <= ? ORDER BY n LIMIT ?"
ENTRY_PLACES_IN = "SELECT n, account, incarnation, seq, body FROM entries WHERE n > ? AND n <= ? ORDER BY n LIMIT ?"
CERTIFICATE_PLACES_IN = f"{_CERTIFICATE_PLACE} WHERE c.n > ? AND c.n <= ? ORDER BY c.n LIMIT ?"

ENTRY_ROW = f"{_ENTRY} WHERE n = ?"
CERTIFICATE_ROW = f"{_CERTIFICATE} WHERE c.n = ?"
ENTRIES_AT = f"{_ENTRY} WHERE account = ? AND incarnation = ? AND seq BETWEEN ? AND ? ORDER BY seq, n"
ENTRIES_BY_ID = f"{_ENTRY} WHERE id6 = ? ORDER BY n"
CERTIFICATE_OVER = """
    SELECT c.n, e.account, e.incarnation, e.seq, e.body, c.entry, c.epoch, c.round, c.numbers, c.signatures, c.checksum
    FROM entries e CROSS JOIN certificates c ON c.entry = e.n
    WHERE e.account = ? AND e.incarnation = ? AND e.seq >= ? ORDER BY e.seq, e.n, c.n LIMIT 1"""
FINAL_BELOW = """
    SELECT e.seq FROM entries e CROSS JOIN certificates c ON c.entry = e.n
    WHERE e.account = ? AND e.incarnation = ? AND e.seq < ? AND c.n < ? ORDER BY e.seq DESC LIMIT 1"""
MOVED_IN = """
    SELECT DISTINCT e.account FROM certificates c CROSS JOIN entries e ON e.n = c.entry
    WHERE c.n > ? AND c.n <= ? ORDER BY e.account LIMIT ?"""
ROWS_OF_ENTRY = """
    SELECT n, body FROM entries WHERE account = ? AND incarnation = ? AND seq = ? AND id6 = ? ORDER BY n DESC"""
NOTES_OF_KIND = "SELECT n, kind, content, checksum FROM notes WHERE kind = ? ORDER BY n"
LAST_ROW = "SELECT max(n) FROM (" + " UNION ALL ".join(f"SELECT max(n) AS n FROM {name}" for name in ROW_TABLES) + ")"
COUNTS = "SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in ROW_TABLES)
