"""Which rows of a table of metrics no measuring writes, and which are not those of now."""

import pandas as pd
import pytest

from multibeta.report.drift_rows import malformed, unlike_rows

PLACE = ("digits", "beta_vae", "4")
MIG = ("dlib19", "mean", "mig")


def rows(*parts, n=400, status="done", metric="mig"):
    """Rows of metrics.csv of one run, one for each part and its value."""
    columns = {"dataset": PLACE[0], "variant": PLACE[1], "beta": PLACE[2], "seed": 0}
    columns |= {"protocol": "dlib19", "representation": "mean", "metric": metric, "n": n, "status": status}
    return pd.DataFrame([{**columns, "factor": part, "value": value} for part, value in parts])


WHOLE = rows(("", 0.2), ("shape", 0.3))
NONE = rows(("", float("nan")), n=0, status="not computed: no latent is active")


@pytest.mark.parametrize("table", [WHOLE, NONE])
def test_what_measuring_writes_is_well_formed(table):
    assert malformed(table, PLACE) == ""


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (WHOLE[:0], "has no row of it"),
        (WHOLE.assign(variant="cvae"), "has a row of digits cvae 4"),
        (pd.concat([WHOLE, WHOLE[1:]]), "has mig shape (dlib19, mean) twice"),
        (WHOLE.assign(status="fine"), "has mig (dlib19, mean) with the status 'fine'"),
        (rows(("", float("inf"))), "has mig (dlib19, mean) without a value"),
        (NONE.assign(value=0.9), "has mig (dlib19, mean) with a value"),
    ],
)
def test_what_no_measuring_writes_is_told(table, told):
    assert malformed(table, PLACE) == told


def test_equal_rows_in_another_order_and_other_values_are_alike():
    assert unlike_rows(WHOLE[::-1], [WHOLE.assign(value=0.9)]) == []


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (WHOLE[:0], "is missing"),
        (WHOLE[:1], "has other parts (shape)"),
        (pd.concat([WHOLE, WHOLE[1:]]), "has other parts (one of them twice)"),
        (WHOLE.assign(n=7), "rests on n = 7; measured anew on 400"),
        (WHOLE.assign(n=[400, 7]), "of shape rests on n = 7; measured anew on 400"),
        (NONE, 'is "not computed: no latent is active", measured anew "done"'),
    ],
)
def test_a_score_with_other_rows_is_told(then, told):
    (found,) = unlike_rows(then, [WHOLE])
    assert (found.score, found.told) == (MIG, told)


def test_a_score_that_is_not_measured_is_told():
    (found,) = unlike_rows(pd.concat([WHOLE, rows(("", 0.2), metric="mig2")]), [WHOLE])
    assert (found.score[2], found.told, found.then, found.now) == ("mig2", "is no score of this study", "done", "")


def test_whether_all_models_agree_is_told():
    assert [each.agreed for each in unlike_rows(NONE, [WHOLE, WHOLE])] == [True]
    assert [each.agreed for each in unlike_rows(NONE, [WHOLE, NONE])] == [False]
