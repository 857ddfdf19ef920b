"""The page in a real browser: nothing runs or is fetched, and it fits a desk, a phone and paper."""

import json
import re
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest

from checks.protocol import load_protocol
from flows.pages.report.page import render_report

LOOKS = Path(__file__).parents[1] / "unit" / "pages" / "report" / "looks"
CHROMIUM = shutil.which("chromium")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
START = pd.Timestamp("2023-05-01T06:00Z")
POLICY = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
ATTACK = "<script>window.ran = true</script><img src=x onerror='window.ran = true'>"
PROBE = """<script>
addEventListener("load", () => {
  const drawn = [...document.querySelectorAll("figure > svg[class]")];
  document.body.dataset.probe = JSON.stringify({
    needed: document.scrollingElement.scrollWidth,
    drawn: drawn.filter((e) => getComputedStyle(e).display != "none").map((e) => e.classList[0]),
    text: Math.min(...drawn.flatMap((e) => [...e.querySelectorAll("text")])
      .map((e) => e.getBoundingClientRect().height).filter((height) => height > 0)),
    ran: Boolean(window.ran),
  });
});
</script>"""
OUTER = """<title></title><iframe src="inner.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>addEventListener("load", () => {{
  document.title = document.querySelector("iframe").contentDocument.body.dataset.probe;
}});</script>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def _look(name: str) -> dict[str, Any]:
    return json.loads((LOOKS / f"{name}.json").read_text(encoding="utf-8"))


def _with_severity(look: dict[str, Any]) -> dict[str, Any]:
    look["rules"].append(json.loads((LOOKS / "severity_rule.json").read_text(encoding="utf-8")))
    return look


def _page(look: dict[str, Any], out: Path) -> Path:
    doses = pd.DataFrame(
        [(case["USUBJID"], case["dose_number"]) for case in look["cases"]], columns=["USUBJID", "dose_number"]
    ).assign(
        hours_end=72.0,
        window="evaluable",
        trusted=True,
        risk_observed_hours=3.0,
        control_observed_hours=40.5,
        start_earliest=START,
        start_latest=START,
        separate=True,
        rows=1,
        EXSEQ="1",
        given_hours=0.0,
        segments=1,
        interruptions="",
    )
    return render_report(look, doses=doses, protocol=load_protocol(LOOKS / "protocol.yaml"), out=out)


def _browse(folder: Path, *arguments: str) -> str:
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def _measured(look: dict[str, Any], folder: Path, width: int) -> dict[str, Any]:
    """Measure the page at a width, in a copy without the policy that would forbid the measuring script."""
    text = _page(look, folder).read_text(encoding="utf-8")
    open_text, policies = re.subn(POLICY, "", text)
    assert policies == 1
    (folder / "inner.html").write_text(open_text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    (folder / "outer.html").write_text(OUTER.format(width=width), encoding="utf-8")
    address = (folder / "outer.html").as_uri()
    dom = _browse(folder, "--allow-file-access-from-files", "--window-size=1500,1000", "--dump-dom", address)
    return json.loads(re.search(r"<title>(.*?)</title>", dom, flags=re.S).group(1))


@pytest.mark.parametrize("name", ["signal", "not_assessable"])
@pytest.mark.parametrize(
    ("width", "drawing"), [(1200, "wide"), (961, "wide"), (680, "wide"), (360, "narrow")]
)
def test_nothing_leaves_the_page_at_any_width(tmp_path, name, width, drawing):
    look = _look(name)
    measured = _measured(look, tmp_path, width)
    assert measured["needed"] <= width
    assert measured["drawn"] == ([drawing] if look["cases"] else [])


@pytest.mark.parametrize(("width", "drawing"), [(1280, "wide"), (390, "narrow")])
def test_figures_of_severity_fit_a_desk_and_a_phone(tmp_path, width, drawing):
    measured = _measured(_with_severity(_look("signal")), tmp_path, width)
    assert measured["needed"] <= width
    assert measured["drawn"] == [drawing] * 4  # the raster, the scores, and the charts of two doses
    assert measured["text"] >= 11


def test_long_names_wrap_on_a_phone(tmp_path):
    look = _look("signal")
    for case in look["cases"]:
        case["USUBJID"] = "X" * 200
    look["caveats"] = ["Y" * 300]
    look["study"] = "Z" * 120
    assert _measured(look, tmp_path, 360)["needed"] <= 360


def test_letters_of_the_figures_stay_readable_on_a_phone(tmp_path):
    assert _measured(_look("signal"), tmp_path, 360)["text"] >= 11


def test_text_of_a_feed_does_not_run_even_without_the_policy(tmp_path):
    look = _look("signal")
    detail = _with_severity(look)["rules"][-1]["detail"]
    for named in (*look["cases"], *detail["rests_on"], *detail["participants"]):
        named["USUBJID"] = ATTACK
    look["caveats"] = [ATTACK]
    look["feeds"][0]["problems"] = [ATTACK]
    assert _measured(look, tmp_path, 1200)["ran"] is False


@pytest.fixture
def server():
    asked: list[str] = []

    class Remembering(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format, *arguments):
            """Keep the test's output quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Remembering) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()


@pytest.mark.parametrize(("policy", "asks"), [(True, []), (False, ["/picture"])])
def test_the_policy_keeps_even_a_picture_from_being_fetched(tmp_path, server, policy, asks):
    address, asked = server
    text = _page(_look("signal"), tmp_path).read_text(encoding="utf-8")
    text = text if policy else re.sub(POLICY, "", text)
    page = tmp_path / "picture.html"
    page.write_text(text.replace("</body>", f'<img src="{address}/picture"></body>'), encoding="utf-8")
    _browse(tmp_path, "--dump-dom", page.as_uri())
    assert asked == asks


def test_the_page_prints_on_paper(tmp_path):
    page = _page(_with_severity(_look("signal")), tmp_path)
    paper = tmp_path / "report.pdf"
    _browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri())
    pdf = paper.read_bytes()
    # A4 is 210 by 297 mm: 595 by 842 points
    sizes = {
        tuple(round(float(number)) for number in box.split())
        for box in re.findall(rb"/MediaBox \[([^]]*)\]", pdf)
    }
    assert {(width, height) for _, _, width, height in sizes} <= {(595, 842), (596, 842), (594, 842)}
    assert 2 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 8
