"""Charts that a user has, DM and VS in SDTM form, as they are: who was charted, what was measured, and when."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from checks.errors import UsageError

Texts = NDArray[np.object_]
Floats = NDArray[np.float64]

TEMPERATURE = "TEMP"
DM_COLUMNS = ("USUBJID", "SITEID")
VS_COLUMNS = ("USUBJID", "VSTESTCD", "VSORRES", "VSORRESU", "VSDTC")


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """One subject's measurements in the order of the file; ``hour`` counts from ``begin``.

    ``begin`` is the first measurement that is no temperature (temperatures of the ward before lie at negative
    hours), and ``lasts`` the hour of the last such one. ``text`` is a value as it is written, ``value`` the number.
    """

    usubjid: str
    site: str
    begin: pd.Timestamp
    test: Texts
    unit: Texts
    text: Texts
    value: Floats
    hour: Floats

    @property
    def lasts(self) -> float:
        """How long the subject was charted, in hours."""
        return float(self.hour[self.test != TEMPERATURE].max())

    @property
    def celsius(self) -> Floats:
        """The values with Fahrenheit turned into C; other units as they are."""
        return np.where(self.unit == "F", (self.value - 32) / 1.8, self.value)


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of a folder in order of USUBJID, and how many rows without a number or a clock time stayed out."""

    charts: tuple[Chart, ...]
    left_out: int


def read_charts(folder: Path, *, without: tuple[str, ...] = ()) -> Charts:
    """Read ``dm.csv`` and ``vs.csv`` or ``vs.csv.gz`` of a folder, and leave some tests out.

    Values and units stay as they are charted. A stamp with an offset is taken in UTC, one without as it stands.

    Raises
    ------
    UsageError
        When a file or a column is missing, or a subject of VS is not in DM.
    """
    dm = _read(folder, ("dm.csv", "dm.csv.gz"), DM_COLUMNS)
    vs = _read(folder, ("vs.csv", "vs.csv.gz"), VS_COLUMNS)
    sites = dict(zip(dm["USUBJID"], dm["SITEID"], strict=True))
    unknown = sorted(set(vs["USUBJID"]) - set(sites))
    if unknown:
        raise UsageError(
            f"--charts {folder}: found {unknown[0]} in vs and not in dm; allowed: subjects of dm"
        )
    stamped = vs["VSDTC"].str.len() > len("2026-01-05")
    time = pd.to_datetime(vs["VSDTC"].where(stamped), format="ISO8601", errors="coerce", utc=True)
    vs = vs.assign(time=time, value=pd.to_numeric(vs["VSORRES"], errors="coerce"))
    usable = vs[vs["time"].notna() & vs["value"].notna()]
    rows = usable[~usable["VSTESTCD"].isin(without)]
    of_subjects = rows.groupby("USUBJID", sort=True)
    charts = (_chart(str(name), sites[str(name)], own) for name, own in of_subjects)
    return Charts(tuple(one for one in charts if one is not None), len(vs) - len(usable))


def _read(folder: Path, names: tuple[str, ...], columns: tuple[str, ...]) -> pd.DataFrame:
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise UsageError(
            f"--charts {folder}: found no {names[0]}; allowed: a folder with {' or '.join(names)}"
        )
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in columns if name not in table]
    if missing:
        raise UsageError(f"{path}: found no column {missing[0]}; allowed: {', '.join(columns)}, and others")
    return table[list(columns)]


def _chart(name: str, site: str, rows: pd.DataFrame) -> Chart | None:
    """Return a subject's chart; None where nothing but temperatures was charted."""
    test = rows["VSTESTCD"].to_numpy(dtype=object)
    others = rows["time"][test != TEMPERATURE]
    if others.empty:
        return None
    begin = others.min()
    return Chart(
        usubjid=name,
        site=site,
        begin=begin.tz_localize(None),
        test=test,
        unit=rows["VSORRESU"].to_numpy(dtype=object),
        text=rows["VSORRES"].to_numpy(dtype=object),
        value=rows["value"].to_numpy(dtype=np.float64),
        hour=((rows["time"] - begin).dt.total_seconds() / 3600).to_numpy(dtype=np.float64),
    )
