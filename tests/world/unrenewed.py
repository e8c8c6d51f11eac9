"""The command line, `python -m world.unrenewed WORDS`, as world.unhurried, with a lease that is not renewed in time.

Who stops such a driver does not stop it halfway through a renewal.
"""

from __future__ import annotations

import runpy

from world.processes import PATIENCE_S

if __name__ == "__main__":
    from pipeline.run.lease import lease

    lease.RENEW_S = PATIENCE_S
    runpy.run_module("world.unhurried", run_name="__main__", alter_sys=True)
