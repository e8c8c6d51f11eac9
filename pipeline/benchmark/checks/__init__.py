"""Checks: faults of a benchmark, looked for before it is exported in any form."""
