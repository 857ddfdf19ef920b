"""Layouts: which columns of an electronic data capture (EDC) export mean which variables.

A wide export has a row for each visit and a column for each item; an item export (as ODM makes it) has a row
for each item. Both become the variables of a domain by one mapping::

    vs:
      path: feeds/vitals.csv                     # PATNUM,VTLD,VTLTM,TEMP,RESPRT with labels in the second line
      format: edc
      layout:
        header_rows: 2                           # names, then labels; rows keep the numbers of their lines
        date_format: DD-MMM-YY hh:mm             # 16-May-15 and 7:25 become 2015-05-16T07:25
        columns:
          USUBJID: [STUDY, PATNUM]               # several columns are joined by a hyphen
          VSDTC: [VTLD, VTLTM]                   # a date and a time are joined as one stamp
        results:                                 # a row for each test, from a column for each test
          TEMP: {column: TEMP, unit: C}
          RESP: {column: RESPRT, unit: /min}

With ``rows: items`` the items of a record are gathered first, and each ItemOID is a column of its own::

      layout:
        rows: items                              # SubjectKey,StudyEventOID,...,ItemOID,Value
        columns: {USUBJID: SubjectKey, VSDTC: [IT.VSDAT, IT.VSTIM]}
        results: {TEMP: {column: IT.TEMP, unit_column: IT.TEMPU}}

Other systems name the columns of item rows otherwise: ``system`` says which one it is::

      layout:
        rows: items
        system: redcap                           # record,redcap_event_name,redcap_repeat_instance,field_name,value
        columns: {USUBJID: record, VSDTC: vs_datetime}
        results: {TEMP: {column: vs_temp, unit: C}}
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from checks.fields import Frozen, NotEmpty, ReadOnly, Section, Text
from checks.problems import ProblemAt, refuse, refuse_all, require_one, shown
from checks.protocol.date_formats import DateFormats


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", name):
        raise refuse(shown(name), "an SDTM variable: up to 8 of A-Z 0-9, beginning with a letter")
    return name


def _several(columns: object) -> object:
    return [columns] if isinstance(columns, str) else columns


Variable = Annotated[str, AfterValidator(_variable)]
Columns = Annotated[
    tuple[Text, ...], BeforeValidator(_several, json_schema_input_type=str | tuple[str, ...]), NotEmpty
]


class Result(Section):
    """Where one test's result stands in a row, and its unit: always the same one, or in a column."""

    column: Text
    unit: Text | None = None
    unit_column: Text | None = None

    @model_validator(mode="after")
    def _has_one_unit(self) -> Self:
        require_one("unit", self.unit, "unit_column", self.unit_column)
        return self


class Layout(Section):
    """What the rows and columns of an EDC export are.

    ``system`` says, of a row for each item, how the system that made the export names its columns.
    """

    columns: Annotated[Mapping[Variable, Columns], NotEmpty, *Frozen]
    header_rows: Annotated[int, Field(ge=1, le=2)] = 1
    rows: Literal["wide", "items"] = "wide"
    system: Literal["odm", "redcap", "viedoc", "clinsight"] = "odm"
    date_format: DateFormats | None = None
    results: Annotated[Mapping[Variable, Result], *Frozen] = ReadOnly({})

    @model_validator(mode="after")
    def _names_the_subject(self) -> Self:
        if "system" in self.model_fields_set and self.rows != "items":
            refuse_all([ProblemAt(("system",), f"it beside rows {self.rows}", "rows: items")])
        if "USUBJID" not in self.columns:
            listed = ", ".join(self.columns)
            refuse_all([ProblemAt(("columns",), f"{listed} alone", "USUBJID too: whose the rows are")])
        return self
