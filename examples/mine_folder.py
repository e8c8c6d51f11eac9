"""Find blind pairs among your own photos with the demo's two small encoders. Downloads nothing.

Example: python examples/mine_folder.py ~/Pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import blindpairs


def main() -> None:
    parser = argparse.ArgumentParser(description="Find blind pairs in a folder of photos.")
    parser.add_argument("photos", type=Path, help="a folder of images")
    parser.add_argument("--root", type=Path, default=Path("runs"), help="where runs are stored")
    parser.add_argument("--reference-max", type=float, default=0.6, help="how far apart a pair is for the reference")
    args = parser.parse_args()

    recipe = {
        "preset": "demo",
        "run": "photos",
        "images": {"sources": [{"name": "photos", "kind": "folder", "uri": args.photos.expanduser().resolve()}]},
    }
    run = blindpairs.run(recipe, root=args.root, **{"filter.reference_max": args.reference_max})
    pairs = run.pairs()
    print(f"{pairs.num_rows} blind pairs among {run.images().num_rows} images; gallery: {run.url}/report.html")
    for row in pairs.slice(0, 5).to_pylist():
        print(run.show(row))


if __name__ == "__main__":  # workers are new processes that import this file
    main()
