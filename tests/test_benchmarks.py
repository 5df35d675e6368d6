"""What the benchmarks report is what was measured."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from benchmarks import __main__ as all_of_them
from benchmarks import drawing, paired, watching
from tests.conftest import ROOT


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_memory_is_that_of_a_command_with_its_children() -> None:
    child = "x = bytearray(80_000_000); import time; time.sleep(0.5)"
    code = f"import subprocess, sys; y = bytearray(60_000_000); subprocess.run([sys.executable, '-c', {child!r}])"
    looks: list[float] = []
    run = watching.run([sys.executable, "-c", code], os.environ, looks.append)
    assert run.peak_mb > 140
    assert run.seconds >= 0.5
    assert run.processor_seconds > 0
    assert looks == sorted(looks) != []


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="ended with 3: no luck"):
        watching.run([sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"], os.environ)


def test_ratios_compare_runs_that_stood_side_by_side() -> None:
    baseline = [
        {"seconds": 8.0, "passages": 3.0},
        {"seconds": 9.0, "passages": 3.0},
        {"seconds": 40.0, "passages": 3.0},
    ]
    lecta = [{"seconds": 1.0, "passages": 4.0}, {"seconds": 3.0, "passages": 4.0}, {"seconds": 4.0, "passages": 4.0}]
    found = paired.summary(baseline, lecta)
    assert found["baseline"] == {"seconds": 9.0, "passages": 3.0}
    assert found["lecta"] == {"seconds": 3.0, "passages": 4.0}
    assert found["times_less"] == {"seconds": 8.0}  # 8, 3 and 10; not 9 to 3


def test_a_bar_is_as_long_as_its_value() -> None:
    svg = ET.fromstring(drawing.bars([drawing.Panel("a < b", [("original", 8.0), ("lecta", 2.0)])]))
    widths = [float(bar.attrib["width"]) for bar in svg.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[0] == pytest.approx(4 * widths[1])


def test_benchmarks_are_listed_and_an_unknown_one_is_wrong_usage() -> None:
    assert {"paired", "retrieval", "answers", "million"} <= set(all_of_them.with_data())
    assert not {"machine", "drawing", "watching", *all_of_them.ALONE} & set(all_of_them.with_data())
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "no benchmark 'nothing'" in run.stderr
