"""Serving: a worker keeps the memory it frees, so that no image waits for the kernel to clear pages anew."""

from __future__ import annotations

import sys

import pytest
from world.processes import printed

# as a network's activations come and go: several together, all freed at the end of an image
FAULTS = """
import threading
from pipeline.executors.serving import limit_libraries

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        activations = [bytearray(8 << 20) for _ in range(6)]
        del activations
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if sys.argv[1] == "limited":
    limit_libraries(1, ())
for where in (lambda work: work(), lambda work: threading.Thread(target=work).start()):
    where(faults)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is told, and other C libraries are left alone")
def test_memory_that_was_freed_is_taken_again_without_page_faults_in_any_thread() -> None:
    kept, anew = printed(FAULTS, "limited"), printed(FAULTS, "as it is")
    assert len(kept) == len(anew) == 2
    assert all(10 * few < many for few, many in zip(kept, anew, strict=True)), (kept, anew)
