"""A folder of images with its table: what becomes of the pixels and columns, and one line for what is wrong."""

import os
import shutil
import struct
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from own_files import picture, write_folder, write_table
from PIL import Image

from multibeta.datasets import DataError, Factor, _pictures, random_held_out
from multibeta.datasets.image_folder import ImageFolder
from multibeta.stages.prepare import prepare


def folder(path, **options):
    given = {"path": str(path), "size": 12, "colour": "grey", **options}
    return ImageFolder(ImageFolder.Options.model_validate(given))


def with_table(path, rows, **options):
    return folder(path, attributes=str(write_table(path.with_suffix(".csv"), rows)), **options)


def built(source):
    arrays = source.build({})
    return arrays, np.concatenate(list(arrays.images))


@pytest.fixture
def squares(tmp_path):
    """40 images, named by number, and their table."""
    write_folder(tmp_path / "squares")
    return tmp_path / "squares"


def numbered(squares, **columns):
    """Rows for the 40 images, column by column."""
    names = sorted(path.name for path in squares.iterdir())
    return [{"file": name, **{key: f(i) for key, f in columns.items()}} for i, name in enumerate(names)]


# Pixels.


def test_images_stand_in_the_order_of_their_relative_paths(tmp_path):
    place = tmp_path / "images"
    for name, grey in (("b.png", 10), ("a/z.png", 20), ("a/deep/c.PNG", 30), ("a.jpg.txt", 0), (".hidden.png", 40)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((12, 12), grey, np.uint8)).save(place / name, format="png")
    arrays, images = built(folder(place))
    assert images[:, 0, 0, 0].tolist() == [30, 20, 10]
    assert (arrays.factors, arrays.labels, arrays.left_out) == (None, None, {})


def test_the_centre_square_is_taken_and_resized():
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = (255, 0, 0)
    wide[:, :4] = wide[:, 12:] = (0, 255, 0)
    for image in (wide, wide.transpose(1, 0, 2)):
        assert (_pictures._centre(Image.fromarray(image), (8, 8), "rgb") == (255, 0, 0)).all()


def test_the_whole_shorter_side_is_kept():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8))
    resized = image.resize((12, 8), Image.Resampling.BICUBIC).crop((2, 0, 10, 8))
    assert np.array_equal(_pictures._centre(image, (8, 8), "rgb"), np.asarray(resized))


def test_an_image_of_the_size_asked_for_is_not_touched():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert np.array_equal(_pictures._centre(Image.fromarray(image), (16, 16), "rgb"), image)


def test_shrinking_averages():
    fine = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (32, 32))
    inner = _pictures._centre(Image.fromarray(fine), (8, 8), "grey")[2:-2, 2:-2]
    assert abs(inner.astype(int) - 128).max() <= 1


def saved(path, image, **keywords):
    image.save(path, **keywords)
    return _pictures.read(path, 4, "rgb")[0, 0].tolist()


def flat(mode, colour):
    return Image.new(mode, (4, 4), colour)


def test_every_kind_of_pixel_becomes_eight_bits(tmp_path):
    sixteen = Image.fromarray(np.full((4, 4), 65535, np.uint16))
    assert saved(tmp_path / "16.png", sixteen) == [255, 255, 255]
    half = Image.fromarray(np.full((4, 4), 128 * 257, np.uint16))
    assert saved(tmp_path / "half.tif", half) == [128, 128, 128]
    (tmp_path / "half.pgm").write_bytes(b"P5\n4 4\n65535\n" + bytes([128, 128]) * 16)
    assert _pictures.read(tmp_path / "half.pgm", 4, "rgb")[0, 0].tolist() == [128, 128, 128]
    assert saved(tmp_path / "palette.png", flat("RGB", (10, 20, 30)).quantize(4)) == [10, 20, 30]
    assert saved(tmp_path / "bits.png", flat("1", 1)) == [255, 255, 255]
    assert saved(tmp_path / "clear.png", flat("RGBA", (255, 255, 255, 0))) == [0, 0, 0]
    assert saved(tmp_path / "veil.png", flat("LA", (200, 128))) == [100, 100, 100]
    assert saved(tmp_path / "key.png", flat("RGB", (9, 9, 9)), transparency=(9, 9, 9)) == [0, 0, 0]
    assert saved(tmp_path / "ink.tif", flat("CMYK", (255, 0, 0, 0))) == [0, 255, 255]


def test_luma_is_what_grey_is(tmp_path):
    flat("RGB", (255, 0, 0)).save(tmp_path / "red.png")
    assert _pictures.read(tmp_path / "red.png", 4, "grey")[0, 0].tolist() == [76]


def test_an_image_is_turned_as_its_camera_was(tmp_path):
    image = Image.fromarray(np.repeat([[0], [255]], 2, axis=0).repeat(4, axis=1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "turned.png", exif=exif)
    assert _pictures.read(tmp_path / "turned.png", 4, "grey")[:, 0, 0].tolist() == [255, 255, 0, 0]


def test_floating_point_pixels_are_refused_with_a_reason(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "f.tif")
    assert "32 bits" in _pictures.read(tmp_path / "f.tif", 4, "grey")


def png_of(width, height):
    """The beginning of a PNG of that size, whose pixels are not there."""
    header = struct.pack(">4sIIBBBBB", b"IHDR", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\0IDAT"
    )


@pytest.mark.parametrize("side", [12_000, 20_000])
def test_an_image_that_would_fill_the_memory_is_left_out_unseen(squares, tmp_path, capsys, side):
    (squares / "bomb.png").write_bytes(png_of(side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare("image_folder", {"path": str(squares), "most_corrupt": 0.1}, tmp_path / "data")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("bomb.png: has more than 134,217,728 pixels; make it smaller first")


def test_of_large_images_one_is_decoded_at_a_time(squares, monkeypatch):
    decoding, most = set(), []

    def centre(image, size, colour):
        decoding.add(id(image))
        most.append(len(decoding))
        time.sleep(0.001)
        decoding.remove(id(image))
        return np.zeros((*size, 1), np.uint8)

    monkeypatch.setattr(_pictures, "_centre", centre)
    built(folder(squares))
    if os.cpu_count() > 1:
        assert max(most) > 1
    monkeypatch.setattr(_pictures, "LARGE", 1)
    most.clear()
    built(folder(squares))
    assert max(most) == 1


def test_more_images_than_a_batch_come_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("multibeta.datasets._storage.CHUNK", 16)
    monkeypatch.setattr("multibeta.datasets._pictures.BATCH", 7)
    write_folder(tmp_path / "squares")
    arrays = folder(tmp_path / "squares").build({})
    pieces = list(arrays.images)
    assert [len(piece) for piece in pieces] == [16, 16, 8]
    assert np.array_equal(np.concatenate(pieces)[::5, :, :, 0], [picture(p, g) for p in range(4) for g in (128, 255)])


# Columns.


def test_columns_become_factors_and_classes(squares):
    arrays, images = built(folder(squares, attributes=str(squares.with_suffix(".csv"))))
    source = folder(squares, attributes=str(squares.with_suffix(".csv")))
    assert source.factors == (Factor("place", 4, "ordinal"), Factor("bright", 2, "categorical"))
    assert source.classes == ("left", "right")
    assert arrays.factors[:, 0].tolist() == [p for p in range(4) for _ in range(10)]
    assert (arrays.factors[:, 1] == (images.max((1, 2, 3)) == 255)).all()
    assert arrays.labels.tolist() == [0] * 20 + [1] * 20
    assert np.array_equal(arrays.held_out, random_held_out(40))


@pytest.mark.parametrize(
    ("column", "factor", "first"),
    [
        (lambda i: i % 2, Factor("c", 2, "categorical"), [0, 1]),
        (lambda i: (-1, 1)[i % 2], Factor("c", 2, "categorical"), [0, 1]),
        (lambda i: ("True", "false")[i % 2], Factor("c", 2, "categorical"), [1, 0]),
        (lambda i: 10 - i % 3, Factor("c", 3, "ordinal"), [2, 1, 0]),
        (lambda i: ("0.5", "1e1", "2")[i % 3], Factor("c", 3, "ordinal"), [0, 2, 1]),
        (lambda i: ("red", "blue", "green")[i % 3], Factor("c", 3, "categorical"), [2, 0, 1]),
        (lambda i: ("1", "1.0", "2")[i % 3], Factor("c", 2, "categorical"), [0, 0, 1]),
    ],
)
def test_a_columns_kind_is_seen_from_its_values(squares, column, factor, first):
    source = with_table(squares, numbered(squares, c=column))
    assert source.factors == (factor,)
    assert source.known.values[: len(first), 0].tolist() == first


def test_a_column_of_many_numbers_is_cut_into_bins_by_training_images(tmp_path):
    write_folder(tmp_path / "squares", copies=25)
    heights = np.random.default_rng(0).permutation(200) / 7
    rows = numbered(tmp_path / "squares", height=lambda i: heights[i])
    source = with_table(tmp_path / "squares", rows, bins=4)
    assert source.factors == (Factor("height", 4, "ordinal"),)
    values, train = source.known.values[:, 0], ~random_held_out(200)
    assert np.bincount(values[train]).tolist() == [45] * 4
    edges = np.quantile(heights[train], [0.25, 0.5, 0.75])
    assert np.array_equal(values, np.searchsorted(edges, heights, side="right"))


def test_what_a_column_is_can_be_declared_and_columns_chosen(tmp_path):
    write_folder(tmp_path / "squares", copies=10)
    rows = numbered(tmp_path / "squares", hue=lambda i: i % 5, person=lambda i: i % 70, comment=lambda i: f"image {i}")
    kinds = {"hue": "periodic", "person": "categorical"}
    source = with_table(tmp_path / "squares", rows, kinds=kinds, columns=["person", "hue"])
    assert source.factors == (Factor("person", 70, "categorical"), Factor("hue", 5, "periodic"))


def test_a_named_column_is_label_and_stays_a_factor(squares):
    source = with_table(squares, numbered(squares, animal=lambda i: ("cat", "dog")[i % 2]), label="animal")
    assert source.classes == ("cat", "dog")
    assert [factor.name for factor in source.factors] == ["animal"]


def test_the_first_level_of_folders_can_be_the_classes(tmp_path):
    for number in range(20):
        target = tmp_path / "zoo" / ("cats", "dogs")[number % 2] / "more" / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number % 4, 255)).save(target)
    source = folder(tmp_path / "zoo", label="folder")
    assert source.classes == ("cats", "dogs")
    assert source.build({}).labels.tolist() == [0] * 10 + [1] * 10


def test_a_split_of_the_table_is_kept(squares):
    source = with_table(squares, numbered(squares, split=lambda i: "test" if i < 5 else "train", c=lambda i: i % 3))
    assert source.build({}).held_out.tolist() == [True] * 5 + [False] * 35
    assert [factor.name for factor in source.factors] == ["c"]


def test_files_may_be_named_without_their_ending_and_rows_in_any_order(squares):
    rows = [{**row, "file": row["file"].removesuffix(".png")} for row in numbered(squares, c=lambda i: i % 4)]
    assert with_table(squares, rows[::-1]).build({}).factors[:4, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_may_be_what_spreadsheets_write(squares, delimiter):
    rows = numbered(squares, c=lambda i: i % 4)
    text = "".join(f"{row['file']}{delimiter}{row['c']}\r\n" for row in rows)
    (squares.parent / "t.csv").write_text(f"\ufefffilename{delimiter}c\r\n{text}\r\n", encoding="utf-8")
    assert folder(squares, attributes=str(squares.parent / "t.csv")).factors == (Factor("c", 4, "ordinal"),)


# What is left out.


def test_corrupt_images_are_left_out_by_number_and_name(squares, tmp_path, capsys):
    table = str(squares.with_suffix(".csv"))
    whole, images = built(folder(squares, attributes=table))
    (squares / "0-1.png").write_bytes((squares / "0-1.png").read_bytes()[:60])
    (squares / "3-0.png").write_bytes(b"")
    (squares / "unknown.png").write_bytes(b"no image")
    options = {"path": str(squares), "attributes": table, "size": 12, "colour": "grey", "most_corrupt": 0.05}
    dataset = prepare("image_folder", options, tmp_path / "data")
    kept = ~np.isin(np.arange(40), [1, 15])
    assert np.array_equal(dataset.images, images[kept])
    assert np.array_equal(dataset.factors, whole.factors[kept])
    assert np.array_equal(dataset.held_out, whole.held_out[kept])
    assert dataset.card["left_out"]["count"] == 3
    assert dataset.card["left_out"]["first"] == {
        "unknown.png": "has no row in the table",
        "0-1.png": "image file is truncated",
        "3-0.png": "is empty",
    }
    assert capsys.readouterr().err.startswith("A folder of images: squares: 3 of 41 images left out: unknown.png: has")
    assert len((tmp_path / "data" / "left_out.csv").read_text().splitlines()) == 4


def test_names_that_are_no_text_are_told_all_the_same(squares, tmp_path, capsys):
    for name in (b"no\xffcode.png", b"two\nlines.png"):
        Path(os.fsdecode(os.fsencode(squares) + b"/" + name)).write_bytes(b"no image")
    dataset = prepare("image_folder", {"path": str(squares), "most_corrupt": 0.1}, tmp_path / "data")
    assert list(dataset.card["left_out"]["first"]) == [r"no\udcffcode.png", r"two\nlines.png"]
    (line,) = capsys.readouterr().err.splitlines()
    assert r"two\nlines.png: is no image" in line
    assert r"no\udcffcode.png," in (tmp_path / "data" / "left_out.csv").read_text(encoding="utf-8")


# What is wrong is one line.


def refused(act, *words):
    with pytest.raises(DataError) as error:
        act()
    line = str(error.value)
    assert "\n" not in line
    for word in words:
        assert str(word) in line, line


def test_a_place_that_is_no_folder_of_images(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    refused(lambda: folder(tmp_path / "absent").digests(), tmp_path / "absent", "does not exist")
    refused(lambda: folder(tmp_path / "file").factors, "is a file, not a folder of images")
    refused(lambda: folder(tmp_path / "empty").digests(), tmp_path / "empty", "holds no images")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("picture,c\n0-0.png,1\n", ["has no column file or filename", "picture, c", "file_column"]),
        ("file,c,c\n0-0.png,1,2\n", ["must name every column, each once"]),
        ("file,c\n", ["has no rows"]),
        ("", ["must name every column"]),
        ("file,c\n0-0.png,1\n0-1.png,\n", ["line 3", "column c is empty"]),
        ("file,c\n0-0.png,1,5\n", ["line 2", "3 cells"]),
        ("file,c\n0-0.png,1\n0-0.png,2\n", ["two rows for 0-0.png"]),
        ("file,c\n0-0.png,1\n0-0,2\n", ["two rows for 0-0.png"]),
        ("file,c\n0-0.png,1\ngone.png,2\n", ["1 of 2 rows have no image", "gone.png"]),
        ("file,c\n0-0.png,1\n0-1.png,1\n", ["column c has one value, 1"]),
        ("file,c\n0-0.png,1\n0-1.png,nan\n", ["column c holds nan", "not a finite number"]),
        ("file,c\n0-0.png,1\n0-1.png,unknown\n", ["mixes numbers and words ('1' and 'unknown')", "kinds"]),
        ("file;c\n0-0.png;1\n0-1.png;0,25\n", ["column c holds '0,25'; write numbers with a point, 0.25"]),
        ("file,a+b\n0-0.png,1\n0-1.png,2\n", ["'a+b'"]),
        ("file,label\n0-0.png,1\n0-1.png,1\n", ["column label has one value"]),
        ("file,split\n0-0.png,train\n0-1.png,later\n", ["column split holds 'later'"]),
        ("file,split\n0-0.png,train\n0-1.png,train\n", ["split holds out no image"]),
        ('file,c\n"0-0.png,1\n', ["cannot be read as a table"]),
        ("file,c\n0-0.png,caf\udce9\n", ["cannot be read as a table: save it as CSV in UTF-8", "0xe9"]),
    ],
)
def test_a_wrong_table(squares, text, words):
    (squares.parent / "wrong.csv").write_text(text, encoding="utf-8", errors="surrogateescape")
    refused(lambda: folder(squares, attributes=str(squares.parent / "wrong.csv")).build({}), "wrong.csv", *words)


def test_words_that_name_images_are_no_factor(tmp_path):
    write_folder(tmp_path / "squares", copies=10)
    rows = numbered(tmp_path / "squares", comment=lambda i: f"image {i}")
    refused(
        lambda: with_table(tmp_path / "squares", rows).factors,
        "comment has 80 different values in 80 rows",
        "kinds: {comment: categorical}",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": ["bright"]}, ["option columns needs the option attributes"]),
        ({"label": "place"}, ["label = 'place' needs the option attributes"]),
        ({"label": "folder"}, ["needs a folder for each class, found 0"]),
        ({"attributes": "absent.csv"}, ["absent.csv: No such file"]),
        ({"attributes": "squares.csv", "columns": ["plase"]}, ["no column 'plase'; did you mean 'place'?"]),
        ({"attributes": "squares.csv", "kinds": {"plase": "periodic"}}, ["no column 'plase'"]),
        ({"attributes": "squares.csv", "label": "animal"}, ["no column 'animal'"]),
        ({"attributes": "squares.csv", "kinds": {"label": "ordinal"}, "columns": ["label"]}, ["may not be called"]),
    ],
)
def test_options_that_do_not_fit_the_files(squares, monkeypatch, options, words):
    monkeypatch.chdir(squares.parent)
    refused(lambda: folder(squares, **options).classes, *words)


def test_all_images_corrupt(squares):
    for path in squares.iterdir():
        path.write_bytes(b"not an image")
    refused(lambda: folder(squares).build({}), "40 of 40 images cannot be read", "most_corrupt = 0.01", "0-0.png")


def test_the_only_image_of_a_value_is_corrupt(squares):
    rows = numbered(squares, rare=lambda i: ("common", "rare")[i == 7])
    (squares / rows[7]["file"]).write_bytes(b"")
    source = with_table(squares, rows, most_corrupt=0.1)
    refused(lambda: source.build({}), "only images that cannot be read have some value of rare", "1-2.png: is empty")


def test_a_folder_of_a_class_without_a_whole_image(tmp_path):
    write_folder(tmp_path / "kinds" / "a")
    write_folder(tmp_path / "elsewhere")
    (tmp_path / "kinds" / "b").symlink_to(tmp_path / "elsewhere")
    refused(lambda: folder(tmp_path / "kinds", label="folder").build({}), "kinds/b gives no image a class", "a link")
    (tmp_path / "kinds" / "b").unlink()
    (tmp_path / "kinds" / "b").mkdir()
    (tmp_path / "kinds" / "b" / "torn.png").write_bytes(b"")
    source = folder(tmp_path / "kinds", label="folder", most_corrupt=0.1)
    refused(lambda: source.build({}), "only images that cannot be read have some value of folder", "torn.png: is empty")


def test_a_pipe_among_the_images_is_not_waited_for(squares):
    os.mkfifo(squares / "pipe.png")
    refused(lambda: folder(squares).digests(), "pipe.png is no file; take it away")


def test_a_full_cache_is_named(squares, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path / "cache"))
    refused(lambda: built(folder(squares)), tmp_path / "cache", "cannot be written", "set MULTIBETA_CACHE")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(squares):
    (squares / "0-0.png").chmod(0)
    refused(lambda: folder(squares).build({}), "0-0.png cannot be read: Permission denied")
    refused(lambda: folder(squares).digests(), "0-0.png cannot be read: Permission denied")
    squares.chmod(0)
    refused(lambda: folder(squares).digests(), "squares cannot be read: Permission denied")
    squares.chmod(0o700)
    squares.with_suffix(".csv").chmod(0)
    refused(lambda: folder(squares, attributes=str(squares.with_suffix(".csv"))).factors, "Permission denied")


def test_a_link_that_leads_nowhere_is_named(squares):
    (squares / "link.png").symlink_to(squares / "gone.png")
    refused(lambda: folder(squares).digests(), "link.png: No such file")


def test_nothing_is_written_when_a_folder_is_refused(squares, tmp_path):
    shutil.copy(squares.with_suffix(".csv"), squares / "0-0.png")
    with pytest.raises(DataError):
        prepare("image_folder", {"path": str(squares), "size": 12}, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_of_images_that_are_no_squares_the_centre_of_their_shape_is_taken():
    image = np.zeros((10, 30), np.uint8)
    image[:, 5:25] = 255
    assert (_pictures._centre(Image.fromarray(image), (10, 20), "grey") == np.full((10, 20, 1), 255)).all()
    assert _pictures._centre(Image.fromarray(image.T), (10, 5), "grey").shape == (10, 5, 1)
