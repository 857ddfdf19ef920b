"""Columns that every domain shares: subject, record, time, and which rows are copies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.flags import TAKEN_BACK, answers
from checks.forms import said_of_stamp, with_forms
from checks.instants import NOT_ISO, parse_stamps
from checks.protocol import StudyProtocol
from checks.protocol.untelling import quotes_of
from checks.quoting import Quotes
from checks.tables import DELETED, RAW_PROVENANCE
from checks.validation import states
from checks.validation.clocks import Rows, Use
from checks.validation.dose_times import DoseTimes
from checks.validation.periods import over_periods
from checks.validation.placeholders import Contacts, without_placeholders
from checks.validation.results import UnusedRows
from checks.validation.time_precision import read_times
from checks.validation.zones import mark_foreign

Flags = npt.NDArray[np.bool_]
Columns = dict[str, "pd.Series[Any]"]
"""Judged columns by name: states, numbers or texts, missing where a check does not concern the row."""

_ANYWHERE: Final = "UTC"
"""The zone in which stamps of unknown subjects are read, to judge their form alone."""

UNCLEAR_FLAG: Final = "says neither that the record was taken back nor that it was not"
"""The state of a row whose DELETED has a word that is not listed."""

_BEGINNING: Final = pd.Timestamp("1900-01-01T00:00:00Z").as_unit("s")
"""The earliest that a row without a readable time can be of: it may lie in any dose's hours."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the look gives every feed: protocol, cut-off, and what DM and EX have said so far."""

    protocol: StudyProtocol
    data_cutoff: pd.Timestamp
    zones: Mapping[str, str]
    deaths: Mapping[str, pd.Timestamp]
    dosed: frozenset[str] = frozenset()
    sites: Mapping[str, str] = field(default_factory=dict)
    dose_times: DoseTimes = field(default_factory=DoseTimes)
    contacts: Contacts = field(default_factory=Contacts)


@dataclass(frozen=True, slots=True)
class Needed:
    """A needed column: its name for the study team, and the columns that may hold it, the preferred first."""

    name: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(self.columns)

    @property
    def filled(self) -> str:
        """The column that the prepared table has where this one is filled on some row.

        One expectation can then ask for all of them: Great Expectations takes 5 ms for each, whatever the rows.
        """
        return f"{self}, filled on some row"


@dataclass(frozen=True, slots=True)
class Shown:
    """What quarantine shows for a judged column: the column as delivered, its text, and a unit beside it."""

    column: "str | pd.Series[str]"
    text: "pd.Series[str]"
    unit: "pd.Series[str] | None" = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """One feed made ready to be judged: a row each, in the order delivered, indexed from 0.

    ``judged`` has the columns that the catalogue names, ``typed`` those of the domain's table (all rows),
    ``keep`` the rows that the typed table can hold, ``matters`` those that could bear on a case. ``shown`` has the
    judged columns of which quarantine shows another text than the variable that begins their name. ``added`` are rows
    of the domain's table that no row of the feed has, in doubt; ``unused`` the rows that no stage uses.
    """

    judged: Columns
    shown: Mapping[str, Shown]
    typed: pd.DataFrame
    keep: "pd.Series[bool]"
    matters: "pd.Series[bool]"
    known_until: "pd.Series[pd.Timestamp]"
    added: pd.DataFrame = field(default_factory=pd.DataFrame)
    unused: tuple[UnusedRows, ...] = ()


class Source:
    """A feed's raw table, read as trimmed text, with what every domain needs of it."""

    def __init__(self, domain: str, table: pd.DataFrame, setting: Setting) -> None:
        self.domain, self.setting = domain, setting
        self._table = table.reset_index(drop=True)
        self._texts: dict[str, pd.Series[str]] = {}
        self.subject = self.text("USUBJID")
        self.is_header = self.subject.str.upper() == "USUBJID"
        self.enrolled = self.subject.isin(list(setting.zones))

    def __len__(self) -> int:
        return len(self._table)

    @cached_property
    def subject_codes(self) -> tuple[npt.NDArray[np.int64], pd.Index]:
        """A number for the subject of each row, -1 where it is blank, and the subjects that the numbers are of."""
        codes, subjects = pd.factorize(self.subject)
        return codes, pd.Index(subjects)

    def has(self, column: str) -> bool:
        """Whether the column was delivered."""
        return column in self._table.columns

    def text(self, column: str) -> "pd.Series[str]":
        """Return a column trimmed, missing where it is blank or was not delivered."""
        if column not in self._texts:
            self._texts[column] = self._trimmed(column)
        return self._texts[column]

    def _trimmed(self, column: str) -> "pd.Series[str]":
        if not self.has(column):
            return self._blank
        trimmed = self._table[column].astype("str").str.strip()
        blank = trimmed == ""
        return trimmed.mask(blank) if blank.any() else trimmed

    @cached_property
    def _blank(self) -> "pd.Series[str]":
        return pd.Series(pd.NA, index=self._table.index, dtype="str")

    def first_of(self, columns: Sequence[str]) -> "pd.Series[str]":
        """Return the first of several columns that is filled, row by row."""
        texts = self.text(columns[0])
        for column in columns[1:]:
            texts = texts.fillna(self.text(column))
        return texts

    def fills(self, columns: Sequence[str]) -> bool:
        """Whether one of several columns is filled on some row."""
        return any(self.text(column).notna().any() for column in columns)

    @property
    def provenance(self) -> pd.DataFrame:
        """File and row of each record."""
        return self._table[list(RAW_PROVENANCE)]

    @cached_property
    def sequence(self) -> "pd.Series[str]":
        """--SEQ as a whole number's text, or what stands for one that holds words; missing where there is none."""
        texts = self.text(f"{self.domain}SEQ")
        # Software that takes --SEQ for a decimal writes 12.0.
        return self.quotes.numbers(texts.str.removesuffix(".0") if texts.str.endswith(".0").any() else texts)

    @cached_property
    def quotes(self) -> Quotes:
        """What may be quoted from its columns."""
        named = [one for one in self.setting.zones if isinstance(one, str)]  # a blank is missing
        quotes = quotes_of(self.setting.protocol, named)
        return quotes.with_ids(self.subject.dropna().unique()) if self.domain == "DM" else quotes

    @property
    def record(self) -> "pd.Series[str]":
        """Name each record: --SEQ, else its row."""
        return self.sequence.fillna("row " + self._table["source_row"].astype("str"))

    def content(self) -> "pd.Series[int]":
        """Return a number for each row's content: exact copies share it."""
        columns = [name for name in self._table.columns if name not in RAW_PROVENANCE]
        keyed = self.has(f"{self.domain}SEQ") and self.sequence.notna().all()
        key = ["USUBJID", f"{self.domain}SEQ"]
        # With a full key only rows that share one can be copies; comparing just those spares long feeds.
        suspects = self._table.duplicated(key if keyed else columns, keep=False)
        content = pd.Series(np.arange(len(self), dtype=np.int64), index=self._table.index)
        if suspects.any():
            groups = self._table.loc[suspects, columns].groupby(columns, dropna=False, sort=False)
            firsts = content[suspects].groupby(groups.ngroup()).transform("min")
            content[suspects] = firsts
        return content

    def common(self) -> tuple[Columns, dict[str, Shown]]:
        """Return the judged columns that every domain has, and what is shown for those that are no variable's."""
        content, subject = self.content(), self.subject
        data, key, number = ~self.is_header, key_of(self.domain), self.sequence
        if self.domain == "DM":
            number = pd.Series("DM", index=content.index, dtype="str")
        judged: Columns = {
            "row_state": state({"header": self.is_header}, states.DATA, data | self.is_header),
            "USUBJID": subject,
            f"{key}_key": record_key(self, number, data & ~content.duplicated()),
            "row_content": content,
        }
        if self.domain != "DM":
            judged["USUBJID_state"] = state(
                {"not in DM": ~self.enrolled}, states.ENROLLED, data & subject.notna()
            )
        shown = dict.fromkeys(("row_state", "row_content"), Shown("USUBJID", subject))
        return judged, shown | {f"{key}_key": Shown(key, subject if self.domain == "DM" else self.sequence)}

    def dosed(self, among: "pd.Series[bool]") -> Columns:
        """Judge whether the subject of each row has an accepted dose."""
        never = ~self.subject.isin(list(self.setting.dosed))
        return {"USUBJID_dosed": state({"never dosed": never}, states.DOSED, among & self.subject.notna())}

    def status(
        self, bad: Mapping[str, "pd.Series[bool]"], among: "pd.Series[bool]", shown: Shown
    ) -> "tuple[pd.Series[Any], Shown]":
        """Name the state of each row's status, and what quarantine shows of it.

        It is what is ``bad`` of it, of which ``shown`` is shown, or that DELETED is neither yes nor no.
        """
        flag = self.text(DELETED)
        unclear = answers(flag, TAKEN_BACK).unknown & ~self.is_header
        found = state({UNCLEAR_FLAG: unclear, **bad}, states.KNOWN, among | unclear)
        if not unclear.any():
            return found, shown
        column = (
            pd.Series(shown.column, flag.index, dtype="str")
            if isinstance(shown.column, str)
            else shown.column
        )
        return found, Shown(column.mask(unclear, DELETED), shown.text.mask(unclear, flag))

    def times(self, among: "pd.Series[bool]") -> tuple[pd.DataFrame, Columns]:
        """Read the time of each row: its span, and the judged columns about it.

        Beside the span stand whether the row has a place in time (``placed``), and from when on it is known.
        """
        column = time_of(self.domain)
        spans = self._read_times(column, among)
        period: Columns = {}
        if self.domain in ("VS", "LB"):
            spans, period = self._over_periods(spans, among)
        readable = among & spans["problem"].isna()
        placed = readable & self.enrolled
        late = (spans["earliest"] - self.setting.data_cutoff).dt.total_seconds() / 3600
        judged: Columns = {
            f"{column}_state": _unless(self._problems(column, spans), states.READABLE, among),
            f"{column}_clock": _unless(spans["note"], states.CERTAIN, placed),
            f"{column}_hours_after_cutoff": late.where(placed),
        }
        judged |= period
        return spans.assign(placed=placed, known_until=spans["earliest"].where(placed)), judged

    def _over_periods(self, spans: pd.DataFrame, among: "pd.Series[bool]") -> tuple[pd.DataFrame, Columns]:
        """Return the spans of results reaching up to their ends, and the judged column about these."""
        column = f"{self.domain}ENDTC"
        stamps = self.text(column)
        if not self.has(column):
            return spans, {f"{column}_state": stamps}
        filled = among & stamps.notna()
        ends = self._read_times(column, filled)
        judged = {f"{column}_state": _unless(self._problems(column, ends), states.READABLE, filled)}
        return over_periods(spans, ends, column, self.setting.data_cutoff), judged

    def at_any_time(self, spans: pd.DataFrame) -> pd.DataFrame:
        """Return subject and span of each row; one without a readable time reaches up to the data cut-off."""
        blank = {"earliest": _BEGINNING, "latest": self.setting.data_cutoff}
        until = ["until"] if "until" in spans else []
        return spans[[*blank, *until]].fillna(blank).assign(USUBJID=self.subject)

    @cached_property
    def zones(self) -> "pd.Series[str]":
        """The zone of each row's subject; any zone for subjects that are not enrolled (see ``times``)."""
        codes, subjects = self.subject_codes
        zones = [self.setting.zones.get(subject, _ANYWHERE) for subject in subjects]
        return pd.Series(pd.Categorical([*zones, _ANYWHERE]).take(codes))

    def _read_times(self, column: str, among: "pd.Series[bool]") -> pd.DataFrame:
        feed = self.setting.protocol.feeds.by_domain().get(self.domain)
        stated = None if feed is None else feed.precision_of(column)
        use: Use = "event" if self.domain == "AE" else "dose" if self.domain == "EX" else "result"
        stamps = self.text(column).where(among)
        ends = self.text("EXENDTC") if column == "EXSTDTC" and self.has("EXENDTC") else None
        spans = read_times(stamps, self.clocked, use, stated, ends)
        spans = mark_foreign(spans, stamps.where(self.enrolled), self.zones)
        contacts = self.setting.contacts if column == time_of(self.domain) else Contacts()
        return without_placeholders(
            spans, self.subject_codes, self.domain, contacts, self.setting.data_cutoff
        )

    def _problems(self, column: str, spans: pd.DataFrame) -> "pd.Series[Any]":
        """Say why each stamp of a column has no span, with its form where it is not ISO 8601."""
        return with_forms(spans["problem"], NOT_ISO, self.text(column), said_of_stamp, self.quotes)

    @cached_property
    def clocked(self) -> Rows:
        """Whom and where the rows are of."""
        codes, subjects = self.subject_codes
        site_of = [self.setting.sites.get(subject, "") for subject in subjects]
        sites, names = pd.factorize(pd.Index(["", *site_of], dtype="object"))
        files, names_of_files = pd.factorize(self._table["source_file"])
        by_site = (np.append(sites[1:], 0)[codes] - 1, [f" of site {one}" for one in names[1:]])
        by_file = (files, [" of one file"] * len(names_of_files))  # its name may tell the arm
        tests = pd.factorize(self.text(f"{self.domain}TESTCD"))[0]
        return Rows(codes, tests, self.zones, self.enrolled.to_numpy(bool), (by_site, by_file))

    @property
    def known_at(self) -> str:
        """The column that says when a row became known, as the protocol writes it; empty where there is none."""
        feed = self.setting.protocol.feeds.by_domain().get(self.domain)
        return "" if feed is None else feed.known_at or ""

    @cached_property
    def known(self) -> pd.DataFrame | None:
        """The spans in which each row became known; None where no column says it."""
        return parse_stamps(self.text(self.known_at.upper()), self.zones) if self.known_at else None

    def ends(self, among: "pd.Series[bool]", spans: pd.DataFrame) -> tuple[pd.DataFrame, Columns]:
        """Read the end of each row: its span, missing where there is none, and the judged columns about it.

        It is before the start only when every reading of both says so.
        """
        column = f"{self.domain}ENDTC"
        stamps = self.text(column)
        filled = among & stamps.notna()
        ended = self._read_times(column, filled)
        placed = filled & spans["placed"] & ended["problem"].isna()
        hours = (ended["latest"] - spans["earliest"]).dt.total_seconds() / 3600
        judged: Columns = {
            f"{column}_state": _unless(self._problems(column, ended), states.READABLE, filled),
            f"{column}_hours_after_start": hours.where(placed),
        }
        return ended[["earliest", "latest"]].where(placed), judged

    def after_start(self, ends: pd.DataFrame, spans: pd.DataFrame) -> Columns:
        """Return of each end what is not before its start; none where all is, or where it is after the cut-off."""
        starts = spans["earliest"]
        told = (ends["latest"] >= starts) & (ends["earliest"] <= self.setting.data_cutoff)
        earliest = ends["earliest"].where(ends["earliest"] >= starts, starts)
        return {"ends_earliest": earliest.where(told), "ends_latest": ends["latest"].where(told)}


def time_of(domain: str) -> str:
    """Return the variable that dates the rows of a domain."""
    return f"{domain}STDTC" if domain in {"EX", "AE"} else f"{domain}DTC"


def key_of(domain: str) -> str:
    """Return the variable that names the records of a domain, within a subject."""
    return "USUBJID" if domain == "DM" else f"{domain}SEQ"


def record_key(source: Source, sequence: "pd.Series[str]", among: "pd.Series[bool]") -> "pd.Series[float]":
    """Return a number for each key (subject, sequence), missing for rows without one and those not ``among``."""
    subjects, (sequences, names) = source.subject_codes[0], pd.factorize(sequence)
    keys = subjects * np.float64(len(names) + 1) + sequences
    return pd.Series(np.where((subjects >= 0) & (sequences >= 0) & among, keys, np.nan), index=sequence.index)


def state(bad: Mapping[str, "pd.Series[bool]"], good: str, among: "pd.Series[bool]") -> "pd.Series[Any]":
    """Name each row's state: the first of ``bad`` that holds, else ``good``; missing if not ``among``."""
    names = [*bad, good]
    conditions = [holds.to_numpy(dtype=bool) for holds in bad.values()]
    choices = list(range(-1, len(bad)))
    codes: npt.NDArray[np.int64] = np.select([~among.to_numpy(dtype=bool), *conditions], choices, len(bad))
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names)), index=among.index)


def _unless(found: "pd.Series[Any]", good: str, among: "pd.Series[bool]") -> "pd.Series[Any]":
    """Return the states found, ``good`` where there is none; missing if not ``among``."""
    return found.cat.add_categories([good]).fillna(good).where(among)
