"""A folder of samples as PNG files, and all of them in one .npz file, for other tools."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from engine.data.atomic import write_atomic

NOTE = "samples.json"  # which samples the folder holds
ARRAYS = "samples.npz"


def png_file(folder: Path, i: int) -> Path:
    """The file of sample i."""
    return folder / f"{i:06d}.png"


def begin_folder(folder: Path, n: int, made_of: Mapping[str, Any]) -> None:
    """Make a folder for samples 0 .. n-1, or go on in it.

    ValueError if it holds pictures that were not `made_of` the same, or more than n: a tool would measure them, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note, text = folder / NOTE, json.dumps(made_of, indent=1) + "\n"
    found = {file.name for file in folder.glob("*.png")}
    is_same = note.is_file() and note.read_bytes() == text.encode()
    if found and not (is_same and found <= {png_file(folder, i).name for i in range(n)}):
        raise ValueError(f"{folder} holds other samples, or more than {n:,}: remove it, or give another out=")
    with write_atomic(note) as out:
        out.write(text.encode())
    (folder / ARRAYS).unlink(missing_ok=True)  # it may hold fewer


def write_png(file: Path, image: np.ndarray) -> None:
    """Store a uint8 picture (S, S, 3). A file that is there is whole."""
    with write_atomic(file) as out:
        Image.fromarray(image).save(out, "PNG")


def write_arrays(folder: Path, labels: np.ndarray) -> None:
    """Store the PNG files of a folder in one .npz file: `arr_0`, uint8 (n, S, S, 3), and `arr_1`, their classes (n,).

    This is the layout of ADM (Dhariwal and Nichol 2021). One picture is in memory at a time.
    """
    files = [png_file(folder, i) for i in range(len(labels))]
    shape = (len(files), *_read_png(files[0]).shape)
    with write_atomic(folder / ARRAYS) as out, zipfile.ZipFile(out, "w") as archive:
        with archive.open("arr_0.npy", "w", force_zip64=True) as array:
            np.lib.format.write_array_header_1_0(array, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for file in tqdm(files, desc=ARRAYS, unit="picture", disable=None, file=sys.stderr):
                array.write(_read_png(file).tobytes())
        with archive.open("arr_1.npy", "w") as array:
            np.lib.format.write_array(array, labels, allow_pickle=False)


def _read_png(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)
