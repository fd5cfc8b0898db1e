"""Small files of one's own, as users have them: a folder of images with its table, and arrays."""

import csv

import numpy as np
from PIL import Image

#: Numbered images of a square of one of two greys at one of four places, black elsewhere.
PLACES, GREYS = 4, (128, 255)


def picture(place, grey, height=12, width=12):
    image = np.zeros((height, width), np.uint8)
    image[4:8, 2 * place : 2 * place + 4] = grey
    return image


def write_folder(folder, copies=5):
    """Images in a folder and, beside it, a table of them; returns the table's path."""
    folder.mkdir(parents=True)
    rows = []
    for number, (place, grey) in enumerate((place, grey) for place in range(PLACES) for grey in GREYS):
        for copy in range(copies):
            name = f"{number}-{copy}.png"
            Image.fromarray(picture(place, grey)).save(folder / name)
            rows.append({"file": name, "place": place, "bright": grey == 255, "label": ("left", "right")[place // 2]})
    return write_table(folder.with_suffix(".csv"), rows)


def write_table(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def grid_arrays(copies=1):
    """The same images as arrays; one copy of each is the full grid of their factors."""
    factors = np.repeat([[place, grey] for place in range(PLACES) for grey in GREYS], copies, axis=0)
    return {"images": np.stack([picture(*row) for row in factors]), "factors": factors}
