"""Whole sessions at the terminal as text files, readable by anybody; `tests/real/test_transcripts.py` runs them.

A file is a story. Prose says what it is about. A line `$ command` is typed by whoever sits there, `ana$ command` by
ana at her own home; what follows, up to the next empty line, is what the terminal must show:

    ...            alone on a line: any lines, or none; within a line: any text
    {name}         any one word; the same word wherever {name} stands again, also in later commands
    [exit 3]       the last line, when the command ends otherwise than well
    (prose)        a line in parentheses before the first command says who is there
    (a little later)   before a command: it is tried again for a while until it shows what is written
    {address}      where a node of the story may listen on this computer, as 127.0.0.1:PORT
"""
