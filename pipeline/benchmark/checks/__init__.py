"""Checks: what is wrong with a benchmark, looked for before it is exported in any form."""
