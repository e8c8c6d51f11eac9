"""Count the candidates of a run within other thresholds, without loading the table: pyarrow reads and filters.

Example: python examples/count_by_threshold.py demo/runs/demo

The counts include what the filter step leaves out for other reasons, such as near-duplicates.
"""

from __future__ import annotations

import argparse

import pyarrow.compute as pc

import blindpairs


def main() -> None:
    parser = argparse.ArgumentParser(description="Count candidates within pairs of thresholds.")
    parser.add_argument("run", help="a run's folder, such as demo/runs/demo")
    parser.add_argument("--blind-min", type=float, nargs="+", default=[0.95, 0.97, 0.99])
    parser.add_argument("--reference-max", type=float, nargs="+", default=[0.4, 0.5, 0.6, 0.7])
    args = parser.parse_args()

    candidates = blindpairs.open(args.run).dataset("candidates")
    print("blind >=   " + "".join(f"reference < {high:<6g}" for high in args.reference_max))
    for low in args.blind_min:
        near = pc.field("blind_cosine") >= low
        counts = [candidates.count_rows(near & (pc.field("reference_cosine") < high)) for high in args.reference_max]
        print(f"{low:<11g}" + "".join(f"{count:<18,}" for count in counts))


if __name__ == "__main__":
    main()
