"""Files of real currencies: their encodings, delimiters and column names, and the rows that nobody can read."""

from pathlib import Path

import pytest

from devnet.csv_columns import Columns, NoSuchColumn, Wanted, find_columns, plain_name
from devnet.csv_rows import NotACsv, clean_memo, read_table
from devnet.csv_text import find_delimiter, records


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "rows.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("payer,payee,amount", Columns(0, 1, 2)),
        ("id,timeset,transfer_subtype,source,target,weight,token_name", Columns(3, 4, 5, date=1)),
        ("id,created,state,amount,description,payer.id,payer.code,payee.id,payee.code", Columns(6, 8, 3, 1, 4)),
        ("Date,Transaction number,From,To,Amount,Description", Columns(2, 3, 4, 0, 5)),
        ("Fecha;Pagador;Perceptor;Horas;Concepto", Columns(1, 2, 3, 0, 4)),
        ("Datum;Absender;Empfänger;Betrag;Verwendungszweck", Columns(1, 2, 3, 0, 4)),
        ("de,à,montant,motif", Columns(0, 1, 2, memo=3)),
        ("source,source_type,destination,destination_type,amount,reason", Columns(0, 2, 4, memo=5)),
        ("From Account,To Account,Transfer Amount", Columns(0, 1, 2)),
        ("fromUser,toUser,value", Columns(0, 1, 2)),
        ("id,account_from,account_to,valid_to,amount", Columns(1, 2, 4)),
        ("From (name),From (account),To (name),To (account),Amount", Columns(1, 3, 4)),
        ("member_id_from,category,member_id_to,amount", Columns(0, 2, 3)),
    ],
)
def test_columns_are_known_by_their_names_in_several_languages(header: str, columns: Columns) -> None:
    assert find_columns(header.replace(";", ",").split(","), Wanted()) == columns


def test_a_named_column_is_taken_as_named_and_not_guessed_twice() -> None:
    header = ["from", "to", "amount", "paid"]
    assert find_columns(header, Wanted(amount="paid", payer="TO", payee="From")) == Columns(1, 0, 3)


@pytest.mark.parametrize("wanted", [Wanted(payer="nobody"), Wanted()])
def test_a_column_that_is_not_there_is_refused_with_the_names_that_are(wanted: Wanted) -> None:
    with pytest.raises(NoSuchColumn, match="x, y, z"):
        find_columns(["x", "y", "z"], wanted)


@pytest.mark.parametrize(
    ("header", "wanted", "words"),
    [
        ("payer,payee,amount", Wanted(payer="payer", payee="payer"), "--payer and --payee name the same column"),
        ("payer,payee,amount", Wanted(payee="amount", amount="Amount"), "--payee and --amount name the same column"),
        ("from,to,amount,amount", Wanted(), "2 columns are called 'amount'"),
        ("name,name,amount", Wanted(payer="name", payee="name"), "2 columns are called 'name'"),
        ("кто,кому,сколько", Wanted(payer="Ivan", payee="кому", amount="сколько"), "no column 'Ivan'"),
        ("кто,payee,amount", Wanted(payer="Иван"), "no column 'Иван'"),
        ("payer,payee,amount", Wanted(payer=" "), "no column ' '"),
    ],
)
def test_one_column_is_never_taken_for_another(header: str, wanted: Wanted, words: str) -> None:
    with pytest.raises(NoSuchColumn, match=words):
        find_columns(header.split(","), wanted)


def test_columns_in_any_script_can_be_named() -> None:
    wanted = Wanted(payer="кто", payee="кому", amount="сколько")
    assert find_columns(["кому", "сколько", "кто"], wanted) == Columns(2, 0, 1)


def test_bare_names() -> None:
    assert plain_name("Payer.Code") == plain_name("payer_code") == plain_name(" PAYER code ") == "payer code"
    assert plain_name("Empfänger") == "empfanger"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "payer,payee,amount,memo\r\nJosé,Zoë,2.50,café\r\nZoë,José,3.00,thé\r\n".replace(",", delimiter)
    table = read_table(written(tmp_path, text, encoding))
    assert [(row.line, row.payer, row.payee, row.amount, row.memo) for row in table.rows] == [
        (2, "José", "Zoë", 250, "café"),
        (3, "Zoë", "José", 300, "thé"),
    ]
    assert (table.delimiter, table.unreadable) == (delimiter, ())


def test_a_decimal_comma_does_not_pass_for_a_delimiter() -> None:
    assert find_delimiter(["payer;payee;amount\n", "ana;bob;1,50\n", "bob;ana;2,50\n"]) == ";"


def test_junk_rows_are_named_by_line_and_spoil_nothing_else(tmp_path: Path) -> None:
    text = (
        "payer,payee,amount,memo\n"
        "ana,bob,1.00,ok\n"
        "ana,bob\n"
        ",bob,1.00,no payer\n"
        "ana, ,1.00,no payee\n"
        "ana,bob,lots,\n"
        "\n"
        'ana,bob,2.00,"a memo\nover two lines"\n'
        'ana,bob,"3.00,never closed\n'
        "ana,bob,4.00,one,two\n"
        " bob , ana ,5.00,\n"
    )
    table = read_table(written(tmp_path, text))
    assert [(row.line, row.payer, row.payee, row.amount) for row in table.rows] == [
        (2, "ana", "bob", 100),
        (8, "ana", "bob", 200),
        (12, "bob", "ana", 500),
    ]
    assert table.rows[1].memo == "a memo over two lines"
    assert [(bad.line, bad.reason) for bad in table.unreadable] == [
        (3, "2 columns, 4 were expected"),
        (4, "the payer is missing"),
        (5, "the payee is missing"),
        (6, "the amount 'lots' is not a number"),
        (10, "a quotation mark is never closed, or a field is too long"),
        (11, "5 columns, 4 were expected"),
    ]


def test_two_quotation_marks_that_are_never_closed_do_not_swallow_what_stands_between_them(tmp_path: Path) -> None:
    text = 'payer,payee,amount,memo\nana,bob,1,"one\nana,bob,2,fine\nana,bob,3,"three\nana,bob,4,"four"\nana,bob,5,\n'
    table = read_table(written(tmp_path, text))
    assert [(row.line, row.amount, row.memo) for row in table.rows] == [
        (3, 200, "fine"),
        (5, 400, "four"),
        (6, 500, ""),
    ]
    assert [bad.line for bad in table.unreadable] == [2, 4]


def test_filters_leave_rows_out_and_count_them(tmp_path: Path) -> None:
    text = "source,target,weight,kind,token\na,b,1,STANDARD,x\na,b,2,AGENT,x\na,b,3,STANDARD,y\na,b\n"
    table = read_table(written(tmp_path, text), where=[("kind", "STANDARD"), ("token", "x")])
    assert [row.amount for row in table.rows] == [100]
    assert (table.passed_over, len(table.unreadable)) == (2, 1)


def test_names_are_as_written_but_trimmed_and_keep_their_order(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "payer,payee,amount\n Ana ,ana,1\nANA,Ana,2\n"))
    assert table.members == ("Ana", "ana", "ANA")


def test_the_ref_of_a_row_follows_from_the_file_and_its_line(tmp_path: Path) -> None:
    first = read_table(written(tmp_path, "payer,payee,amount\nana,bob,1\nana,bob,1\n"))
    again = read_table(written(tmp_path, "payer,payee,amount\nana,bob,1\nana,bob,1\n"))
    other = read_table(written(tmp_path, "payer,payee,amount\nana,bob,1\nana,bob,2\n"))
    refs = [first.ref(row) for row in first.rows]
    assert len(set(refs)) == 2
    assert refs == [again.ref(row) for row in again.rows]
    assert refs[0] != other.ref(other.rows[0])


@pytest.mark.parametrize(
    ("first", "last", "backwards"),
    [
        ("2021-02-01 10:00", "2020-12-31 09:00", True), ("2020-12-31", "2021-02-01", False), ("2021-02-01", "", False),
        ("1612170000", "1580000000.5", True), ("01/02/2021", "31/12/2020", False), ("2021-02-01", "2021-02-01", False),
    ],
)  # fmt: skip
def test_a_file_whose_newest_row_comes_first_is_known(tmp_path: Path, first: str, last: str, backwards: bool) -> None:
    table = read_table(written(tmp_path, f"date,payer,payee,amount\n{first},ana,bob,1\n{last},ana,bob,1\n"))
    assert table.runs_backwards == backwards


def test_rounding_is_counted(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "payer,payee,amount\nana,bob,1.005\nana,bob,1.01\n"))
    assert ([row.amount for row in table.rows], table.rounded) == ([101, 101], 1)


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotACsv, match="empty"):
        read_table(written(tmp_path, text))


def test_a_program_may_name_the_delimiter_on_the_first_line(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "sep=;\npayer;payee;amount\nana;bob;1,5\n"))
    assert [(row.line, row.amount) for row in table.rows] == [(3, 150)]


def test_a_memo_is_made_fit_for_a_note() -> None:
    assert clean_memo("bread\x00 and\n\u202ebutter ") == ("bread and butter", False)
    cut, was_cut = clean_memo("é" * 200)
    assert (cut, was_cut) == ("é" * 128, True)


def test_a_quotation_mark_inside_a_word_is_a_letter_like_any_other() -> None:
    lines = ['5" pipe,ana\n', '"so ""he"" said",bob\n']
    assert [record.fields for record in records(lines, ",")] == [('5" pipe', "ana"), ('so "he" said', "bob")]


def test_a_field_that_is_absurdly_long_costs_its_own_row_only(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, f"payer,payee,amount\nana,{'b' * 2_000_000},1\nana,bob,1\n"))
    assert [row.line for row in table.rows] == [3]
    assert [bad.line for bad in table.unreadable] == [2]


def test_a_file_that_is_not_what_its_mark_says_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(b"\xef\xbb\xbfpayer,payee,amount\nan\xe9,bob,1\n")
    assert [(row.payer, row.amount) for row in read_table(path).rows] == [("an\ufffd", 100)]
