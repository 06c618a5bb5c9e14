"""What tracing a page takes of memory: several workers side by side share what there is."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from singleline_pipeline_tests.tracing.pages import add_rings, draw_page, spiral

MOST_MEBIBYTES = 160
"""For a page of 1700 x 2200 px, beyond the imports and the page itself. Measured: 72."""

TRACED = """
import sys
import numpy as np
from singleline_pipeline.tracing import trace

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

page = np.load(sys.argv[1])
trace(page[:500, :500])
before = peak()
strokes = trace(page).strokes
print(len(strokes), (peak() - before) // 1024)
"""


# The peak of the process itself: ru_maxrss would begin with that of the process that started it.
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_a_page_takes_less_than_its_share_of_memory(tmp_path: Path) -> None:
    lines = [spiral(850, 700, 640, 9), spiral(700, 1500, 600, 7), spiral(1000, 1450, 560, 6)]
    page = draw_page(lines, height=2200, width=1700, pen=4.0)
    add_rings(page)
    np.save(tmp_path / "page.npy", np.repeat(page[:, :, None], 3, axis=2))
    ran = subprocess.run(
        [sys.executable, "-c", TRACED, str(tmp_path / "page.npy")], capture_output=True, text=True, check=True
    )
    strokes, mebibytes = map(int, ran.stdout.split())
    assert strokes > 0
    assert 10 < mebibytes < MOST_MEBIBYTES
