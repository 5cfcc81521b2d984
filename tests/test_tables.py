"""CSV files as Datasets, DataFrames in the place of arrays, and what is said of arrays that hold no numbers."""

import numpy as np
import pytest
from numpy.lib.recfunctions import structured_to_unstructured

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

FLOWERS = """\
length,colour, width ,kind
5.1,red,3.5,setosa
4.9,"blue",-3e-1,virginica

6.0,red,2,setosa
7.25,green,1.5,versicolor
"""


@pytest.fixture
def written(tmp_path):
    """A function that writes a text into a file and gives its path."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


# ---- what is read ----


def test_numbers_words_and_classes_become_x_and_y_with_their_names(written):
    ds = data.csv(written(FLOWERS), target="kind")
    assert ds.columns == ["length", "colour=blue", "colour=green", "colour=red", "width"]
    assert ds.classes == ["setosa", "versicolor", "virginica"]
    expected = [[5.1, 0, 0, 1, 3.5], [4.9, 1, 0, 0, -0.3], [6, 0, 0, 1, 2], [7.25, 0, 1, 0, 1.5]]
    assert ds.x.dtype == np.float32 and ds.y.dtype == np.int64
    np.testing.assert_array_equal(ds.x, np.array(expected, np.float32))
    assert ds.y.tolist() == [0, 2, 0, 1]
    with tl.default_dtype(np.float64):
        np.testing.assert_array_equal(data.csv(str(written(FLOWERS)), "kind").x, expected)


def test_a_target_of_numbers_is_a_column_of_them(written):
    ds = data.csv(written(FLOWERS), "width", columns=["length"])
    assert ds.columns == ["length"] and ds.classes is None and ds.y.dtype == np.float32
    np.testing.assert_array_equal(ds.y, np.float32([[3.5], [-0.3], [2], [1.5]]))
    np.testing.assert_array_equal(ds.x, np.float32([[5.1], [4.9], [6], [7.25]]))


@pytest.mark.parametrize(
    ("cells", "options", "y", "names"),
    [
        ("1 0 2 1", {}, [1, 0, 2, 1], ["0", "1", "2"]),
        ("1.0 0 1 0", {}, [1, 0, 1, 0], ["0", "1"]),
        ("1 0 2 1", {"classes": False}, [[1], [0], [2], [1]], None),
        ("1 2 3 2", {}, [[1], [2], [3], [2]], None),  # not from 0: a number, unless one says that it is a class
        ("1 2 10 2", {"classes": True}, [0, 1, 2, 1], ["1", "2", "10"]),
        ("0 2 0 2", {}, [[0], [2], [0], [2]], None),
        ("0.5 1.5 0.5 1", {}, [[0.5], [1.5], [0.5], [1]], None),
        ("7 7 7 7", {}, [[7], [7], [7], [7]], None),
        ("yes no yes no", {}, [1, 0, 1, 0], ["no", "yes"]),
        ("1 b 1 b", {"classes": True}, [0, 1, 0, 1], ["1", "b"]),
    ],
)
def test_what_the_target_is_follows_from_its_cells_and_can_be_said(written, cells, options, y, names):
    text = "a,t\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells.split()))
    ds = data.csv(written(text), "t", **options)
    assert ds.y.tolist() == y and ds.classes == names
    assert ds.y.dtype == (np.int64 if names else np.float32)


def test_numbers_can_be_said_to_be_categories(written):
    ds = data.csv(written("ward,age,ill\n10,50,0\n9,51,1\n10,52,1\n"), "ill", categories=["ward"])
    assert ds.columns == ["ward=9", "ward=10", "age"]
    assert ds.x.tolist() == [[0, 1, 50], [1, 0, 51], [0, 1, 52]]


def test_categories_are_called_what_stands_in_the_file(written):
    ds = data.csv(written("zip,t\n01234,0\n1234,1\n00001,1\n"), "t", categories=["zip"])
    assert ds.columns == ["zip=00001", "zip=01234", "zip=1234"]  # codes, of which no two are one
    assert ds.x.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_the_target_and_the_columns_may_be_given_by_place_where_there_is_no_header(written):
    path = written("5.1,red,setosa\n4.9,blue,virginica\n")
    for target in (2, -1, "2"):
        ds = data.csv(path, target, header=False)
        assert ds.columns == ["0", "1=blue", "1=red"] and ds.y.tolist() == [0, 1]
    assert data.csv(path, -1, header=False, columns=["0"]).x.tolist() == np.float32([[5.1], [4.9]]).tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf_8", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [False, True])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_marks_and_ends_of_lines_leave_no_trace(written, encoding, mark, newline):
    text = ('"größe",a' + newline + "1.5,é" + newline + "2,ü" + newline).replace("\r\r", "\r")
    mark = "\ufeff" * (mark and encoding in ("utf-8", "utf_8"))
    ds = data.csv(written(mark + text, encoding), "a", encoding=encoding)
    assert ds.columns == ["größe"] and ds.classes == ["é", "ü"] and ds.x.tolist() == [[1.5], [2]]


def test_quoted_cells_may_hold_delimiters_quotes_and_ends_of_lines(written):
    text = 'a;b;t\n"x;1"; 1;"he said ""no"""\n"two\nlines";2;"yes"\n'
    ds = data.csv(written(text), "t", delimiter=";")
    assert ds.columns == ["a=two\nlines", "a=x;1", "b"] and ds.classes == ['he said "no"', "yes"]
    assert ds.x.tolist() == [[0, 1, 1], [1, 0, 2]]
    kept = data.csv(written('a,t\r\n1,"two\r\nlines"\r\n2,one\r\n'), "t")
    assert kept.classes == ["one", "two\r\nlines"]
    tabs = data.csv(written("a\tt\n1\t0\n2\t1\n"), "t", delimiter="\t")
    assert tabs.x.tolist() == [[1], [2]] and tabs.y.tolist() == [0, 1]


@pytest.mark.parametrize("gone", ["", "?", "NA", "n/a", "NaN", "null", "NULL"])
def test_missing_values_are_filled_by_the_mean_of_their_column_if_asked(written, gone):
    text = f"a,c,t\n1,red,0\n{gone},blue,1\n4,{gone},0\n7,red,1\n"
    ds = data.csv(written(text), "t", missing="mean")
    third = np.float32(1 / 3)
    assert ds.columns == ["a", "c=blue", "c=red"]
    np.testing.assert_allclose(ds.x, [[1, 0, 1], [4, 1, 0], [4, third, 2 * third], [7, 0, 1]], rtol=1e-6)


def test_what_is_made_of_a_table_keeps_its_names(written):
    ds = data.csv(written(FLOWERS), "kind")
    train, test = data.split(ds, 0.5)
    parts = [ds[1:3], ds[[0, 2]], ds[ds.y == 0], train, *data.standardize(train, test), next(data.k_fold(ds, 2))[0]]
    for part in parts:
        assert part.columns == ds.columns and part.classes == ds.classes
    plain = data.Dataset(ds.x, ds.y)
    assert plain.columns is None and plain.classes is None and plain[:2].columns is None
    with pytest.raises(ValueError, match=r"2 names in columns for x of shape \(4, 5\)"):
        data.Dataset(ds.x, ds.y, columns=["a", "b"])


# ---- what is refused ----


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("", {}, r"table\.csv is empty"),
        ("\n\n", {}, "is empty"),
        ("a,t\n", {}, "has a line of names and no other; if that is data, write header=False"),
        ("a,t\n1,0\n2\n", {}, "line 3 has 1 cells, but the first line 2"),
        ("a,t\n1,0\n\n2,1,3\n", {}, "line 4 has 3 cells, but the first line 2; a cell with a ',' in it is written in"),
        ('a,t\n"1\n",0\n2\n', {}, "line 4 has 1 cells"),
        ("a,t\n,0\n2,1\n", {}, "'' in column 'a', line 2, is a missing value.*missing='mean'"),
        ("a,t\nred,0\nNA,1\n", {}, "'NA' in column 'a', line 3, is a missing value"),
        ("a,t\n1,\n2,1\n", {"missing": "mean"}, "'' in column 't', line 2, is a missing target"),
        ("a,t\n,0\n,1\n", {"missing": "mean"}, "column 'a' has no values at all"),
        ("a,t\n1,0\n2 kg,1\n", {}, r"'2 kg' in column 'a', line 3, is no number, but others .* categories=\['a'\]"),
        ("a,t\n1,0\n2,one\n", {}, "'one' in column 't', line 3, is no number.*write classes=True"),
        ('a,t\n"1,5",0\n"2,5",1\n', {}, "'1,5' in column 'a', line 2, seems to be a number.*decimal comma"),
        ("a;t\n1,5;0\n2;1\n", {"delimiter": ";"}, "'1,5' in column 'a', line 2, seems to be a number"),
        ("a,t\n$5,0\n$6,1\n", {}, "seems to be a number"),
        ("a,t\n7%,0\n8 %,1\n", {}, "seems to be a number"),
        ("a,t\n1_000,0\n2_000,1\n", {}, "seems to be a number"),
        ("a,t\n1,0\ninf,1\n", {}, "'inf' in column 'a', line 3, isn't finite"),
        ("a,t\n1,0\n1e39,1\n", {}, "'1e39' in column 'a', line 3, is beyond float32"),
        ("a,t\n1,0.5\n2,1e39\n", {}, "'1e39' in column 't', line 3, is beyond float32"),
        ("a,t\n1,0\n", {"columns": ["a", "a"]}, "columns names 'a' twice"),
        ("a,t\n1,0\n1e999,1\n", {}, "'1e999' in column 'a', line 3, isn't finite"),
        ("a,b,a,t\n1,2,3,0\n", {}, "columns 1 and 3 of .* are both called 'a'"),
        (",a,t\n0,1,0\n", {}, r"column 1 of .* has no name.*columns=\[…\].*index=False"),
        ("1,2,3\n4,5,6\n", {"target": 0}, "the first line of .* has numbers, 1, 2 and 3, not names; write"),
        ("5.1,red,a\n4.9,blue,b\n", {"target": 2}, "has numbers, 5.1, red and a, not names"),
        ("a;t\n1;0\n", {}, "the first line of .* has no ','; write delimiter=';'"),
        ("a\tt\n1\t0\n", {}, r"write delimiter='\\t'"),
        ("a,b\n1,0\n", {}, "has no column 't'; it has 'a' and 'b'"),
        ("a,t\n1,0\n", {"target": 2}, "has 2 columns, so none at place 2"),
        ("a,t\n1,0\n", {"target": True}, "has no column True"),
        ("a,t\n1,0\n", {"columns": ["b"]}, "has no column 'b'"),
        ("a,t\n1,0\n", {"categories": ["b"]}, "has no column 'b'"),
        ("a,t\n1,0\n", {"columns": ["a", "t"]}, "the target, 't', can't be in columns or categories"),
        ("t\n1\n", {}, "has no column beside the target"),
        ("a,t\n1,0\n", {"missing": "median"}, r"missing is None \(raise\) or 'mean' \(fill\), not 'median'"),
        ("a,t\n1,0\n", {"delimiter": ", "}, "delimiter is one character"),
        ("a,t\n1,0\n", {"encoding": "utf-9"}, "there is no encoding 'utf-9'"),
        ('a,t\n1,0\n"2,1\n', {}, "line 3: .*is a quote left open"),
        ("a,t\n1,no\n2,yes\n", {"classes": False}, "the target, 't', has words"),
        ("a,t\n" + "".join(f"name {i},0\n" for i in range(40)), {}, "'a' has 40 different values in 40 rows.*columns="),
    ],
)  # fmt: skip
def test_what_is_not_clear_in_a_file_gets_a_sentence_with_column_and_line(written, text, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        data.csv(written(text), **{"target": "t", **options})


def test_what_is_no_file_or_no_list_of_names_gets_a_sentence(written, tmp_path):
    with pytest.raises(ValueError, match=r"isn't in utf-8 .*write encoding='cp1252'"):
        data.csv(written("größe,t\n1,0\n", "cp1252"), "t")
    with pytest.raises(FileNotFoundError):
        data.csv(tmp_path / "nothing.csv", "t")
    for wrong in ({"classes": "yes"}, {"header": None}):
        with pytest.raises(TypeError, match="is True or False, not"):
            data.csv(written("a,t\n1,0\n"), "t", **wrong)
    for wrong in ({"columns": "a"}, {"categories": "a"}, {"columns": 3}, {"columns": [0]}):
        with pytest.raises(TypeError, match="is a list of names, not"):
            data.csv(written("a,t\n1,0\n"), "t", **wrong)


# ---- tables of others ----


class Column:
    """As much of a Series as is needed: no array, but one by to_numpy."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def to_numpy(self):
        return self.values

    def __len__(self):
        return len(self.values)


class Frame(Column):
    """And of a DataFrame, with a dtype for each column, and an array of objects where they differ in kind."""

    def __init__(self, **columns):
        arrays = {name: np.asarray(column) for name, column in columns.items()}
        self.columns, self.dtypes = list(arrays), [array.dtype for array in arrays.values()]
        mixed = len({dtype.kind == "b" or dtype.kind not in "fiu" for dtype in self.dtypes}) > 1
        super().__init__(np.stack([a.astype(object) if mixed else a for a in arrays.values()], axis=1))
        self.shape = self.values.shape

    def __iter__(self):
        return iter(self.columns)

    def drop(self, columns):
        raise NotImplementedError


def frames(n=33):
    x = np.random.default_rng(0).normal(size=(n, 4))
    return Frame(**dict(zip("abcd", x.T, strict=True))), Column(np.arange(n) % 3), x


def test_frames_and_series_are_taken_wherever_arrays_are():
    frame, series, x = frames()
    y = np.arange(33) % 3
    ds = data.Dataset(frame, series)
    np.testing.assert_array_equal(ds.x, x)
    np.testing.assert_array_equal(ds.y, y)
    np.testing.assert_array_equal(data.standardize(frame), data.standardize(x))
    np.testing.assert_array_equal(data.Standardizer(frame)(frame), data.Standardizer(x)(x))
    np.testing.assert_array_equal(data.standardize(frame, frame)[1], data.standardize(x))
    for ours, theirs in zip(data.split((frame, series), 0.7), data.split((x, y), 0.7), strict=True):
        np.testing.assert_array_equal(ours.x, theirs.x)
        np.testing.assert_array_equal(ours.y, theirs.y)
    results = []
    for a, b, w in ((frame, series, Column(np.arange(33.0))), (x, y, np.arange(33.0))):
        tl.manual_seed(0)
        model = nn.Linear(4, 3)
        optimizer = optim.Adam(model.parameters())
        options = {"loss": F.cross_entropy, "validation": (a, b), "sample_weight": w, "seed": 0, "progress": False}
        history = tl.fit(model, (a, b), optimizer=optimizer, epochs=2, **options)
        measured = tl.evaluate(model, (a, b), loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
        results.append((dict(history), tl.predict(model, a).tolist(), measured))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (Frame(age=[1, 2], city=["a", "b"]), r"x has dtype object; .* no numbers, 'city' \(<U1\).*get_dummies\(x"),
        (Frame(a=["x", "y"], b=[1.0, 2], c=["z", "z"]), r"'a' \(<U1\) and 'c' \(<U1\).*\.drop\(columns="),
        (Frame(a=[True, False], b=[1.0, 2.0]), r"its columns are 'a' \(bool\) and 'b' \(float64\); write x\.astype"),
    ],
)
def test_columns_that_make_no_array_of_numbers_are_named(frame, sentence):
    model = nn.Linear(2, 1)
    for given in (
        lambda: data.Dataset(frame, [0, 1]),
        lambda: tl.predict(model, frame),
        lambda: data.standardize(frame),
        lambda: tl.evaluate(model, (frame, [0, 1]), loss=F.mse_loss),
    ):
        with pytest.raises(TypeError, match=sentence):
            given()


def test_a_frame_alone_is_told_how_to_make_a_pair_of_it():
    frame, _, _ = frames()
    with pytest.raises(TypeError, match=r"write \(frame\.drop\(columns='target'\), frame\['target'\]\)"):
        data.split(frame, 0.5)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (np.ones((3, 2)).astype(object), r"all of it reads as numbers; write x\.astype\(float\)"),
        (np.array([["1", "2.5"], ["3", "nan"]]), r"dtype <U3.*write x\.astype\(float\)"),
        ([b"1", b"2"], r"write x\.astype\(float\)"),
        (np.array([[1, None], [2, 3]], object), r"x\[0, 1\] is None, a missing value"),
        (["red", "blue"], r"x\[0\] is .*'red'.*; for classes write names, x = np\.unique\(x, return_inverse=True\)"),
        (np.array([["1", "red"]]), r"x\[0, 1\] is .*'red'.*a column of its own.*astype\(float\)"),
        (np.array([np.ones(2), np.ones(3)], object), r"x\[0\] is array.*np\.stack\(x\)"),
        (np.ones(3) * 1j, r"write x\.real"),
        (np.array(["2024-01-01", "2024-01-03"], "datetime64[D]"), r"np\.timedelta64\(1, 'D'\)"),
        (np.zeros(3, [("a", float), ("b", float)]), r"structured_to_unstructured\(x\)"),
    ],
)
def test_an_array_that_holds_no_real_numbers_is_told_what_makes_some(x, sentence):
    for given in (lambda: data.Dataset(x, np.zeros(len(x))), lambda: tl.predict(nn.Linear(2, 1), np.asarray(x))):
        with pytest.raises(TypeError, match=sentence):
            given()


def test_the_advice_for_arrays_that_hold_no_numbers_works():
    y = np.array(["red", "blue", "red"])
    _, y = np.unique(y, return_inverse=True)
    assert data.Dataset(np.ones((3, 2)).astype(object).astype(float), y).y.tolist() == [1, 0, 1]
    days = np.array(["2024-01-01", "2024-01-03"], "datetime64[D]")
    days = (days - days.min()) / np.timedelta64(1, "D")
    pairs = structured_to_unstructured(np.zeros(2, [("a", float), ("b", float)]))
    assert data.Dataset(days, pairs).x.tolist() == [0, 2]


# ---- a single example ----


class Images(nn.Module):
    def __init__(self):
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize(
    ("model", "shape"),
    [(nn.Linear(64, 10), (64,)), (Images(), (8, 8)), (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), (4,))],
)
def test_predict_says_so_where_it_is_given_a_single_example(model, shape):
    x = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
    for given in (x[0], x[0].tolist(), tl.tensor(x[0])):
        with pytest.raises(ValueError, match=r"x of shape \(.*\) seems to be one example; write x\[None\]"):
            tl.predict(model, given)
    assert tl.predict(model, x[0][None]).shape[0] == 1 and len(tl.predict(model, x)) == 5


def test_inputs_that_fit_neither_way_hear_nothing_of_single_examples():
    for x in (np.ones((2, 8, 8)), np.ones((3, 5)), np.ones(5)):
        with pytest.raises(ValueError) as caught:
            tl.predict(nn.Linear(64, 10), x)
        assert "one example" not in str(caught.value)


# ---- numbers spelled in several ways, and too large ones ----


def test_a_number_spelled_in_two_ways_is_one_class_and_one_category(written):
    ds = data.csv(written("a,t\n0.5,3\n0.50,3.0\n10,4\n1e1,4\n"), "t", categories=["a"], classes=True)
    assert ds.classes == ["3", "4"] and ds.y.tolist() == [0, 0, 1, 1]
    assert ds.columns == ["a=0.5", "a=10"] and ds.x.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]


def test_whole_numbers_that_would_become_one_are_named(written):
    path = written("a,t\n16777216,0.5\n16777217,1.5\n")
    with pytest.raises(ValueError, match="'16777217' in column 'a', line 3, and 16777216 are one number in float32"):
        data.csv(path, "t")
    with tl.default_dtype(np.float64):
        assert data.csv(path, "t").x.tolist() == [[16777216], [16777217]]


def test_na_is_a_category_where_one_says_so_and_a_line_of_blanks_is_empty(written):
    path = written("c,t\nNA,0\n   \nDE,1\n")
    assert data.csv(path, "t", categories=["c"]).columns == ["c=DE", "c=NA"]
    with pytest.raises(ValueError, match="'NA' in column 'c', line 2, is a missing value"):
        data.csv(path, "t")
    with pytest.raises(ValueError, match=r"line 2.* NUL"):
        data.csv(written("a,t\n1\0,0\n"), "t")
