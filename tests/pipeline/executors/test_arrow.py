"""pandas is loaded where somebody wants it, and in no other process of a run."""

from __future__ import annotations

import pytest
from world.processes import printed

WITH_ARRAYS = """
import pyarrow as pa
if sys.argv[1] == "a command":
    from pipeline.cli.console import exit_on_error
    with exit_on_error():
        rows = pa.Table.from_pylist([{"a": 1}, {"a": None}])
else:
    from pipeline.executors.serving import limit_libraries
    limit_libraries(1, ())
    rows = pa.Table.from_pylist([{"a": 1}, {"a": None}])
rows.column("a").to_numpy()
rows.take([1])
print(int("pandas" in sys.modules))
print(len(rows.to_pandas()), int("pandas" in sys.modules))
print(pa.Table.from_pandas(rows.to_pandas()).column("a").null_count)
"""


@pytest.mark.parametrize("process", ["a command", "a worker"])
def test_a_process_that_makes_arrays_loads_pandas_only_for_a_data_frame(process: str) -> None:
    assert printed(WITH_ARRAYS, process) == [0, 2, 1, 1]
