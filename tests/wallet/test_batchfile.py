"""The CSV of a batch: what spreadsheets write is read, what has two meanings is not, and each fault has a line."""

import tracemalloc

import pytest

from wallet.formats.batchfile import ROWS_MAX, BatchRow, Unreadable, read_batch

ROW = BatchRow(2, "@bob", "2.50", "bread", "may-1")


@pytest.mark.parametrize(
    "content",
    [
        b"payee,amount,memo,ref\n@bob,2.50,bread,may-1\n",
        b"payee;amount;memo;ref\r\n@bob;2,50;bread;may-1\r\n",
        b"payee\tamount\tmemo\tref\n@bob\t2.50\tbread\tmay-1",
        b"\xef\xbb\xbfPayee, Amount ,MEMO,Ref\n @bob , 2.50 ,bread, may-1 \n",
        b'"payee","amount","memo","ref"\n"@bob","2.50","bread","may-1"\n',
        b'payee,amount,memo,ref\n@bob,"2,50",bread,may-1\n\n  \n',
        b"ref,memo,amount,payee\nmay-1,bread,2.50,@bob\n",
        b"payee,amount,memo,ref\r@bob,2.50,bread,may-1\r",
    ],
)
def test_what_spreadsheets_write_is_read(content: bytes) -> None:
    found = read_batch(content)
    assert (found.rows, found.faults, found.left_out) == ((ROW,), (), ())


def test_quoted_cells_may_hold_anything_and_lines_are_still_those_of_the_file() -> None:
    found = read_batch(b'payee,amount,memo\nbob,1,"two\nlines, ""and"" more"\n\ncem,2,\ndan,0,5\n')
    read = [(row.line, row.payee, row.memo) for row in found.rows]
    assert read == [(2, "bob", 'two\nlines, "and" more'), (5, "cem", None), (6, "dan", "5")]


def test_columns_that_nobody_reads_are_named() -> None:
    assert read_batch(b"hours,payee,amount,rate\n3,bob,1,0.5\n").left_out == ("hours", "rate")


NO_TABLE = [
    (b"payee,amount," + b"x" * 200_000 + b"\nbob,1,\n", "first line"),
    (b"", "first line must be titles"), (b"bob,1\n", "first line must be titles"), (b"payee\nbob\n", "first line"),
    (b"payee,amount,amount\nbob,1,2\n", "stands over two columns"), (b"payee|amount\nbob|1\n", "first line"),
    ("payee,amount\nbob,1\n".encode("utf-16"), "UTF-16"), (b"payee,amount\nbob,1\ncaf\xe9,2\n", "Line 3 is not UTF-8"),
    (b"payee,amount\nbob,1\0\n", "zero bytes"), (b"PK\x03\x04" + b"\xff" * 20, "not UTF-8"),
    (b"payee,amount\n" + b"x" * (17 << 20), "larger than"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), NO_TABLE)
def test_what_is_no_table_is_refused_as_a_whole(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_batch(content)


FAULTY = [
    ("bob", "1 cells under 2 titles"), ("bob,1,2", "3 cells under 2"), (",1", "nobody is named"), ("bob,", "no amount"),
    ('bob,"1,000"', "read in two ways"), ('bob,"12,345"', "read in two ways"), ('bob,"1.000,50"', "is no amount"),
    ('bob,"1,000.50"', "is no amount"), ("bob,-1", "is no amount"), ("bob,+1", "is no amount"),
    ("bob,2.50 hours", "is no amount"), ("bob,€2", "is no amount"), ("bob,=1+1", "is no amount"),
    ("bob,1e3", "is no amount"), ("bob,٢", "is no amount"),
    ("bob,1 000", "is no amount"), ("bob,.5", "is no amount"), ("bob,5.", "is no amount"), ("bob,NaN", "is no amount"),
    (f"bob,{'1' * 3000}", "longer than"), ('bob,"1', "quotes do not fit"), ('"bob"x,1', "quotes do not fit"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), FAULTY)
def test_a_line_that_is_wrong_is_named_and_the_others_are_read(line: str, words: str) -> None:
    found = read_batch(f"payee,amount\nana,1\n{line}\n".encode())
    assert [row.payee for row in found.rows] == ["ana"]
    (fault,) = found.faults
    assert fault.line in (3, 4) and words in fault.words


def test_commas_and_points_in_one_file_are_ambiguous() -> None:
    found = read_batch(b'payee,amount\nbob,"1,5"\ncem,2\ndan,1.500\n')
    assert [fault.line for fault in found.faults] == [4]
    assert "line 2 has a comma before its decimals and line 4 a point" in found.faults[0].words


def test_a_ref_that_stands_twice_is_a_fault() -> None:
    found = read_batch(b"payee,amount,ref\nbob,1,x\ncem,1,x\n")
    assert [(fault.line, fault.words) for fault in found.faults] == [(3, 'the ref "x" is that of line 2, too')]


# Refs that follow from the file


def refs(text: str, run: str = "") -> list[str]:
    return [row.ref for row in read_batch(text.encode(), run).rows]


MAY = "payee,amount,memo\nbob,2.50,bread\ncem,1,\nbob,2.50,bread\n"


def test_the_same_file_gives_the_same_refs_and_each_line_one_of_its_own() -> None:
    assert refs(MAY) == refs(MAY) and len(set(refs(MAY))) == 3
    assert all(len(ref) == 30 and ref.startswith("batch ") for ref in refs(MAY))


def test_what_is_only_written_otherwise_is_the_same_payment() -> None:
    assert refs("amount;payee;memo\n2,5;@bob;bread\n01.0;@CEM;\n2,50;bob;bread\n".replace("01.0", "1,0")) == refs(MAY)


def test_lines_that_are_added_or_moved_leave_the_others_as_they_were() -> None:
    assert set(refs(MAY)) < set(refs(MAY + "dan,3,\n"))
    assert sorted(refs("payee,amount,memo\nbob,2.5,bread\nbob,2.5,bread\ncem,1,\n")) == sorted(refs(MAY))


def test_another_run_pays_the_same_lines_again() -> None:
    assert not set(refs(MAY)) & set(refs(MAY, "june"))
    assert refs("payee,amount,ref\nbob,1,x\n", "june") == ["x"]


def test_a_large_file_is_read_within_bounds() -> None:
    text = "payee,amount,memo\n" + "".join(f"member{n % 500},{n % 90 + 1}.25,line {n}\n" for n in range(2_000))
    tracemalloc.start()
    found = read_batch(text.encode())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.rows) == 2_000 and not found.faults
    assert peak < 4 << 20


def test_a_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ROWS_MAX >= 10_000
    monkeypatch.setattr("wallet.formats.batchfile.ROWS_MAX", 2)
    with pytest.raises(Unreadable, match="more than 2"):
        read_batch(b"payee,amount\na,1\nb,1\nc,1\n")
