"""Finds which columns of a CSV hold payer, payee, amount, date and memo, by their names in several languages.

Pure. A column that the user names is taken as named; the others are guessed, exact names before names that only
contain the word, and within each the words in the order written here. `csv_rows` asks, nobody else.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAMES: dict[str, tuple[str, ...]] = {
    "payer": (
        "payer", "payer code", "payer id", "payer name", "from", "from account", "from user", "from member", "from id",
        "sender", "sender id", "sender name", "source", "source account", "source address", "buyer", "giver",
        "debtor", "debit account", "origin", "spender", "paid by", "consumer",
        "pagador", "pagadora", "emisor", "ordenante", "origen", "remitente", "comprador", "cuenta origen", "desde",
        "emissor", "origem", "remetente", "de quem", "pagatore", "pagante", "mittente", "ordinante", "origine",
        "payeur", "emetteur", "expediteur", "donneur", "debiteur", "de", "du compte",
        "zahler", "zahlender", "absender", "auftraggeber", "von", "von konto", "betaler", "afzender", "van", "da",
        "tx from", "from address", "from alias", "sender blockchain address",
    ),
    "payee": (
        "payee", "payee code", "payee id", "payee name", "to", "to account", "to user", "to member", "to id",
        "recipient", "recipient id", "recipient name", "receiver", "receiver id", "target", "target account",
        "target address", "destination", "seller", "beneficiary", "creditor", "credit account", "taker", "paid to",
        "provider", "perceptor", "beneficiario", "beneficiaria", "receptor", "receptora", "cobrador", "destinatario",
        "destino", "vendedor", "cuenta destino", "hacia", "destinatari", "receptor id", "beneficiari", "desti",
        "beneficiaire", "destinataire", "recepteur", "crediteur", "receveur", "vers", "au compte",
        "empfanger", "zahlungsempfanger", "begunstigter", "an", "an konto", "ontvanger", "begunstigde", "aan",
        "ricevente", "recebedor", "para", "per a", "a", "tx to", "to address", "to alias",
        "recipient blockchain address",
    ),
    "amount": (
        "amount", "transfer amount", "value", "transfer value", "tx value", "weight", "sum", "total", "hours", "units",
        "credits", "quantity", "price", "tokens",
        "importe", "cantidad", "monto", "valor", "horas", "suma", "import", "quantitat", "hores", "quantia", "montante",
        "montant", "somme", "valeur", "heures", "betrag", "summe", "wert", "stunden", "bedrag", "uren", "waarde",
        "importo", "somma", "ore", "valore", "kwota",
    ),
    "date": (
        "date", "timestamp", "datetime", "date time", "created", "created at", "time", "timeset", "transaction date",
        "date created", "booking date", "executed", "when", "fecha", "data", "hora", "datum", "zeit", "buchungstag",
        "heure", "tijd",
    ),
    "memo": (
        "memo", "description", "note", "notes", "reason", "comment", "comments", "concept", "message", "subject",
        "purpose", "reference text", "details", "text",
        "descripcion", "concepto", "motivo", "nota", "asunto", "descripcio", "concepte", "motiu", "libelle", "motif",
        "objet", "commentaire", "beschreibung", "verwendungszweck", "zweck", "notiz", "bemerkung", "omschrijving",
        "opmerking", "descrizione", "causale", "descricao",
    ),
}  # fmt: skip
"""Words for each column, without accents and in small letters, the likelier first."""

_MIRRORED = (("from", "to"), ("source", "target"), ("sender", "receiver"), ("sender", "recipient"))
"""A payer's column that is called by the first word has its payee's column called by the second: "from_id", "to_id"."""
_WEAK = 3
"""Words shorter than this ("de", "a") count only as a whole name, never as a part of one."""


class NoSuchColumn(ValueError):
    """A column was named that the file has not, or has twice, or one was not named and cannot be guessed."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the columns, counted from 0. Date and memo may be missing."""

    payer: int
    payee: int
    amount: int
    date: int | None = None
    memo: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names of the columns as the user gave them; None is to be guessed."""

    payer: str | None = None
    payee: str | None = None
    amount: str | None = None
    date: str | None = None
    memo: str | None = None


GUESS_ALL = Wanted()
_MONEY = ("payer", "payee", "amount")
"""The columns that no payment can do without."""


def plain_name(name: str) -> str:
    """Bring a column's name to its bare words: "Payer.Code" and "payer_code" are both "payer code"."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    bare = unicodedata.normalize("NFKD", parted).encode("ascii", "ignore").decode().casefold()
    return " ".join(re.findall(r"[a-z0-9]+", bare))


def find_column(header: Sequence[str], name: str) -> int:
    """Find the one column called `name`, as written or by its bare words. Raises NoSuchColumn."""
    for same in (str.strip, str.casefold, plain_name):
        wanted = same(name.strip())
        places = [place for place, title in enumerate(header) if wanted and same(title.strip()) == wanted]
        if len(places) > 1:
            raise NoSuchColumn(f"{len(places)} columns are called {name!r}: give them different names in the file")
        if places:
            return places[0]
    raise NoSuchColumn(f"there is no column {name!r}; the columns are: {', '.join(header)}")


def _guess(header: Sequence[str], role: str, taken: set[int]) -> int | None:
    titles = [plain_name(title) for title in header]
    free = [place for place in range(len(titles)) if place not in taken]
    mirrored = {title for place in taken for title in _mirrored(titles[place])} if role == "payee" else set()
    for place in free:
        if titles[place] in mirrored:
            return place
    for word in NAMES[role]:
        for place in free:
            if titles[place] == word:
                return place
    for word in NAMES[role]:
        for place in free:
            if len(word) >= _WEAK and f" {word} " in f" {titles[place]} ":
                return place
    return None


def _mirrored(title: str) -> list[str]:
    """What the payee's column is called beside a payer's of that title."""
    words = title.split()
    return [" ".join(to if word == of else word for word in words) for of, to in _MIRRORED if of in words]


def find_columns(header: Sequence[str], wanted: Wanted) -> Columns:
    """Settle all columns: those named first, then guesses among the others. Raises NoSuchColumn."""
    places: dict[str, int] = {}
    for role in NAMES:
        name = getattr(wanted, role)
        if name is not None:
            places[role] = find_column(header, name)
    for role in NAMES:
        guess = None if role in places else _guess(header, role, set(places.values()))
        if guess is not None:
            places[role] = guess
    missing = [role for role in _MONEY if role not in places]
    if missing:
        options = " and ".join(f"--{role}" for role in missing)
        raise NoSuchColumn(f"cannot tell which column is the {' or the '.join(missing)}: name it with {options}; "
                           f"the columns are: {', '.join(header)}")  # fmt: skip
    _check_apart(header, {role: places[role] for role in _MONEY})
    return Columns(**places)


def _check_apart(header: Sequence[str], places: Mapping[str, int]) -> None:
    """See that payer, payee and amount are three columns, none of which another one could be taken for."""
    for role, place in places.items():
        title = header[place].strip()
        same = next((other for other in places if other != role and places[other] == place), None)
        if same is not None:
            raise NoSuchColumn(f"--{role} and --{same} name the same column {title!r}")
        find_column(header, title)
