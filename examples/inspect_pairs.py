"""List the pairs of a run with the widest gap, with their captions, and draw them on one contact sheet.

Example: python examples/inspect_pairs.py demo/runs/demo --out sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from PIL import Image, ImageOps

import blindpairs

SIDE = 192  # pixels of an image on the sheet


def with_captions(run: blindpairs.Run) -> pd.DataFrame:
    """Return the kept pairs with both captions, joined by image_id: the order of rows means nothing."""
    pairs = run.pairs().to_pandas()
    captions = run.images(["image_id", "caption"]).to_pandas().set_index("image_id")["caption"]
    return pairs.assign(left_caption=pairs.left_id.map(captions), right_caption=pairs.right_id.map(captions))


def contact_sheet(run: blindpairs.Run, pairs: pd.DataFrame) -> Image.Image:
    """Draw one pair a row, the left image on the left."""
    sheet = Image.new("RGB", (2 * SIDE, SIDE * len(pairs)), "white")
    for row, (left, right) in enumerate(zip(pairs.left_id, pairs.right_id, strict=True)):
        for column, image_id in enumerate((left, right)):
            sheet.paste(ImageOps.pad(run.image(image_id), (SIDE, SIDE), color="white"), (column * SIDE, row * SIDE))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description="Look at the pairs with the widest gap.")
    parser.add_argument("run", help="a run's folder, such as demo/runs/demo")
    parser.add_argument("--top", type=int, default=8, help="how many pairs")
    parser.add_argument("--out", type=Path, default=Path("pairs.png"), help="the image to write")
    args = parser.parse_args()

    run = blindpairs.open(args.run)
    best = with_captions(run).nlargest(args.top, "gap")
    print(best[["rank", "blind_cosine", "reference_cosine", "gap", "left_caption", "right_caption"]].to_string())
    contact_sheet(run, best).save(args.out)
    print(f"contact sheet: {args.out}")


if __name__ == "__main__":
    main()
