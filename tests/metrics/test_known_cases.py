"""Every metric of codes and posteriors on tables whose answer is known, and on those it must refuse in one line."""

import functools
import math
import warnings

import numpy as np
import pytest

from multibeta import registry
from multibeta.metrics import NotComputed, Result
from multibeta.option_values import PROTOCOLS

ROWS, SIZES = 600, (2, 3, 5)
KINDS = ("categorical", "ordinal", "periodic")
CODES = {"codes", "posterior_mean", "posterior_logvar", "sibling_means", "sibling_logvars", "mean", "logvar", "nll"}
OTHERS = {"factors", "factor_names", "factor_kinds", "seed"}


def table(codes, factors, kinds=KINDS):
    """All that a metric of codes may need, from codes (N, D) and factors (N, K)."""
    codes = np.asarray(codes, dtype=np.float64)
    logvar = np.full(codes.shape, -4.0)
    return {
        "codes": codes,
        "factors": factors,
        "factor_names": tuple(f"factor{k}" for k in range(factors.shape[1])),
        "factor_kinds": kinds[: factors.shape[1]],
        "posterior_mean": codes,
        "posterior_logvar": logvar,
        "sibling_means": [codes[:, ::-1], codes],
        "sibling_logvars": [logvar, logvar],
        "mean": codes[:50],
        "logvar": logvar[:50],
        "nll": np.full(len(codes[:50]), 100.0),
        "seed": 0,
    }


def cases():
    draw = np.random.default_rng(0)
    factors = draw.integers(SIZES, size=(ROWS, 3))
    perfect = (factors - factors.mean(0)) / factors.std(0) + 0.01 * draw.normal(size=factors.shape)
    noise, dead = draw.normal(size=(ROWS, 5)), np.zeros((ROWS, 2))
    rotation = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3
    both = np.column_stack([factors[:, 0] + 2 * factors[:, 1], perfect[:, 2]])
    rare = draw.permuted(np.tile(np.arange(ROWS) % 100 == 0, (3, 1)), axis=1).T.astype(np.int64)
    identity = draw.permutation(ROWS)[:, None]
    broken = perfect.copy()
    broken[3, 1] = np.nan
    found = {
        "perfect": table(perfect, factors),
        "rotated": table(perfect @ rotation, factors),
        "duplicated": table(np.hstack([perfect, perfect]), factors),
        "dead latents": table(np.hstack([perfect, dead]), factors),
        "latents dead at 0.1": table(np.hstack([perfect, dead + 0.1]), factors),
        "beside noise": table(np.hstack([perfect, noise[:, :2]]), factors),
        "noise": table(noise, factors),
        "one code for two factors": table(both, factors),
        "constant codes": table(np.full((ROWS, 3), 0.1), factors),
        "constant factor": table(perfect, factors * [1, 1, 0]),
        "NaN": table(broken, factors),
        "infinite": table(np.where(np.isnan(broken), np.inf, broken), factors),
        "one factor": table(perfect, factors[:, 2:], KINDS[1:]),
        "one label": table(perfect, factors[:, 2:]),
        "one latent": table(perfect[:, 2:], factors),
        "more latents than rows": table(draw.normal(size=(40, 60)), factors[:40]),
        "1e30": table(1e30 * perfect, factors),
        "1e18": table(1e18 * perfect, factors),
        "1e100": table(1e100 * perfect, factors),
        "1e-30": table(1e-30 * perfect, factors),
        "far from 0": table(1e6 + perfect, factors),
        "other values": table(perfect, 3 * factors + 7),
        "as many values as rows": table(np.hstack([perfect[:, :2], identity]), np.hstack([factors[:, :2], identity])),
        "as many classes as rows": table(perfect, np.hstack([identity, factors[:, :2]])),
        "rare": table(np.hstack([rare + 0.01 * draw.normal(size=rare.shape), noise[:, :2]]), rare, KINDS[:1] * 3),
    }
    found |= {f"all {kind}": table(perfect, factors, (kind,) * 3) for kind in KINDS}
    found |= {f"{n} rows": table(np.hstack([perfect, noise])[:n], factors[:n]) for n in (1, 2, 5, 30, 99, 150)}
    return found


CASES = cases()
RECIPES = [
    (name, protocol)
    for name in registry.names("metric")
    for metric in [registry.find("metric", name)]
    if set(metric.needs) <= CODES | OTHERS and set(metric.needs) & CODES
    for protocol in metric.recipes(list(PROTOCOLS))
]
#: Of the scores that are not from 0 to 1. What is estimated from draws may fall below a bound of its true value.
RANGES = {
    "active_units": (0, 60),
    "elbo": (-math.inf, math.inf),
    "gaussian_tc": (0, math.inf),
    "kl": (0, math.inf),
    "kl_dimension_wise": (-0.1, math.inf),
    "kl_mutual_information": (-1e-6, math.log(ROWS)),
    "kl_total_correlation": (-0.1, math.inf),
    "reconstruction": (-math.inf, math.inf),
}


@functools.cache
def measured(case, name, protocol):
    """Every score by name; the same NotComputed for all if the metric refuses as a whole. Any warning is an error."""
    metric = registry.find("metric", name)
    settings = metric.recipes([protocol])[protocol]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = metric().measure(**{need: CASES[case][need] for need in metric.needs}, **settings)
    except NotComputed as reason:
        return dict.fromkeys(metric.all_scores(), reason)
    return {name: found} if isinstance(found, Result) else dict(found)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("name", "protocol"), RECIPES)
def test_a_number_in_its_range_or_one_line_that_says_why_not(case, name, protocol):
    state = np.random.get_state()  # noqa: NPY002
    found = measured(case, name, protocol)
    assert str(np.random.get_state()) == str(state), "NumPy's global random state was drawn from"  # noqa: NPY002
    assert set(found) == set(registry.find("metric", name).all_scores())
    for score, result in found.items():
        if isinstance(result, NotComputed):
            assert 10 < len(str(result)) < 200
            assert "\n" not in str(result)
            continue
        low, high = RANGES.get(score, (0, 1))
        assert low - 1e-9 <= result.value <= high + 1e-9
        assert all(map(math.isfinite, result.parts.values()))
        assert all(np.isfinite(array).all() for array in result.arrays.values())


def value(case, score, protocol):
    """The value of a score, or the reason why there is none."""
    owners = [n for n, p in RECIPES if p == protocol and score in registry.find("metric", n).all_scores()]
    result = measured(case, owners[0], protocol)[score]
    return str(result) if isinstance(result, NotComputed) else result.value


def of(*scores):
    """Parametrise by these scores, under each of their protocols or those that stand behind a slash."""
    pairs = []
    for entry in scores:
        score, _, named = entry.partition("/")
        own = [p for n, p in RECIPES if score in registry.find("metric", n).all_scores()]
        pairs += [(score, protocol) for protocol in (named.split(",") if named else own)]
    return pytest.mark.parametrize(("score", "protocol"), pairs)


#: Sees that a rotation mixes latents.
ROTATION = ("mig", "mig_sup", "dcimig", "jemmig", "modularity", "sap", "sap_continuous", "irs")
ROTATION += ("dci_disentanglement", "dci_completeness")
#: Asks what the code holds, not where.
CONTENT = ("explicitness", "downstream_100", "beta_vae_score", "dci_informativeness")


@of(*ROTATION, *CONTENT, "factor_vae_score")
def test_perfect_codes_are_near_the_ceiling(score, protocol):
    # Lines do not part ordered values; codes that spread within a value hold more than the factor.
    ceiling = {("sap", "dlib19"): 0.4, ("sap", "ours"): 0.75, ("jemmig", "ours"): 0.45}
    assert value("perfect", score, protocol) > ceiling.get((score, protocol), 0.85)


@of(*ROTATION)
def test_rotated_codes_score_less_than_perfect_ones(score, protocol):
    assert value("rotated", score, protocol) < value("perfect", score, protocol) - 0.1


@of("explicitness", "downstream_100")
def test_what_asks_for_content_alone_sees_no_rotation(score, protocol):
    assert value("rotated", score, protocol) == pytest.approx(value("perfect", score, protocol), abs=0.02)


@of("mig", "sap", "sap_continuous")
def test_a_factor_told_twice_has_no_gap(score, protocol):
    assert value("duplicated", score, protocol) == pytest.approx(0, abs=1e-9)


@of("dci_completeness", "jemmig")
def test_a_factor_told_twice_is_less_complete(score, protocol):
    assert value("duplicated", score, protocol) < value("perfect", score, protocol) - 0.2


@of("mig_sup", "dcimig", "modularity", "irs", "explicitness", "beta_vae_score", "factor_vae_score")
def test_what_looks_at_latents_one_by_one_sees_no_copies(score, protocol):
    assert value("duplicated", score, protocol) == pytest.approx(value("perfect", score, protocol), abs=0.01)


@of("mig", "mig_sup", "dcimig", "jemmig", "sap/ours", "sap_continuous", "irs", "explicitness", "gaussian_tc")
@pytest.mark.parametrize("case", ["dead latents", "latents dead at 0.1"])
def test_dead_latents_change_nothing(case, score, protocol):
    assert value(case, score, protocol) == pytest.approx(value("perfect", score, protocol), rel=1e-6, abs=1e-9)


@of("dci_disentanglement/dlib19,ours", "downstream_100", "beta_vae_score", "factor_vae_score")
@pytest.mark.parametrize("case", ["dead latents", "latents dead at 0.1"])
def test_dead_latents_change_little(case, score, protocol):
    assert value(case, score, protocol) == pytest.approx(value("perfect", score, protocol), abs=0.01)


@of("modularity")
def test_dead_latents_lower_modularity_by_their_share(score, protocol):
    assert value("dead latents", score, protocol) == pytest.approx(3 / 5 * value("perfect", score, protocol))


@of("mig", "mig_sup", "dcimig", "sap", "sap_continuous", "dci_disentanglement", "dci_completeness")
def test_noise_is_near_zero(score, protocol):
    assert value("noise", score, protocol) < 0.06


@of("jemmig", "irs", "dci_informativeness/ours")
def test_noise_is_far_from_perfect(score, protocol):
    assert value("noise", score, protocol) < 0.3


@of("explicitness", "beta_vae_score", "factor_vae_score")
def test_noise_scores_by_chance(score, protocol):
    chance = 1 / 2 if score == "explicitness" else 1 / 3
    assert value("noise", score, protocol) == pytest.approx(chance, abs=0.08)


@of("mig_sup", "dcimig", "modularity", "dci_disentanglement", "factor_vae_score")
def test_one_code_for_two_factors_is_seen_by_what_asks_for_modularity(score, protocol):
    assert value("one code for two factors", score, protocol) < value("perfect", score, protocol) - 0.05


@of("mig", "dci_completeness")
def test_one_code_for_two_factors_is_not_seen_by_what_asks_for_compactness(score, protocol):
    assert value("one code for two factors", score, protocol) > 0.85


@of("mig", "dcimig", "modularity", "sap", "sap_continuous", "dci_disentanglement", "dci_completeness", "udr")
def test_constant_codes_tell_nothing(score, protocol):
    assert value("constant codes", score, protocol) == pytest.approx(0, abs=1e-6)


@of("mig_sup", "jemmig", "irs", "factor_vae_score", "gaussian_tc")
def test_constant_codes_are_refused_where_nothing_would_be_a_score(score, protocol):
    assert "no latent" in value("constant codes", score, protocol) or "constant" in value(
        "constant codes", score, protocol
    )


@of("mig/dlib19,ours", "dcimig", "jemmig", "modularity", "irs", "explicitness", "downstream_100", "udr", "sap/ours")
@pytest.mark.parametrize("case", ["1e30", "1e18", "far from 0"])
def test_neither_scale_nor_place_matters(case, score, protocol):
    assert value(case, score, protocol) == pytest.approx(value("perfect", score, protocol), abs=0.005)


@of("mig/dlib19,ours", "dcimig", "jemmig", "modularity", "irs", "explicitness", "downstream_100", "udr", "gaussian_tc")
def test_small_codes_count_as_much_as_large_ones(score, protocol):
    assert value("1e-30", score, protocol) == pytest.approx(value("perfect", score, protocol), abs=0.005)


@of("dci_disentanglement/dlib19,ours", "dci_completeness/dlib19,ours", "dci_informativeness/dlib19,ours")
@pytest.mark.parametrize("case", ["1e30", "1e18", "1e-30", "far from 0"])
def test_trees_see_no_scale(case, score, protocol):
    assert value(case, score, protocol) == pytest.approx(value("perfect", score, protocol), abs=0.01)


@of("dci_disentanglement/dlib19_sklearn", "sap_continuous")
def test_what_takes_small_codes_for_constant_says_so_on_its_page(score, protocol):
    assert value("1e-30", score, protocol) == 0


@of("kl_mutual_information", "kl_total_correlation")
@pytest.mark.parametrize("case", ["1e30", "1e18"])
def test_a_joint_density_that_is_all_rounding_is_refused(case, score, protocol):
    assert "rounding" in value(case, score, protocol)


@of("mig", "mig_sup", "dcimig", "modularity", "sap/dlib19", "sap_continuous", "irs", "dci_disentanglement/dlib19")
def test_the_names_of_values_do_not_matter(score, protocol):
    assert value("other values", score, protocol) == pytest.approx(value("perfect", score, protocol))


@of("dci_disentanglement", "dci_completeness", "explicitness", "dcimig/dlib19", "sap_continuous")
def test_perfect_codes_of_rare_attributes_are_near_the_ceiling(score, protocol):
    assert value("rare", score, protocol) > 0.95


@pytest.mark.parametrize(
    ("score", "protocol", "expected"),
    [
        ("mig", "dlib19", 0.77),
        ("mig", "ours", 0.31),
        ("factor_vae_score", "dlib19", 0.7),
        ("factor_vae_score", "ours", 0.7),
    ],
)
def test_perfect_codes_of_rare_attributes_are_far_from_the_ceiling_where_the_pages_say_so(score, protocol, expected):
    assert value("rare", score, protocol) == pytest.approx(expected, abs=0.03)


@of("mig_sup", "dcimig", "modularity", "beta_vae_score", "factor_vae_score", "dci_disentanglement")
def test_what_compares_factors_needs_two(score, protocol):
    assert "factor" in value("one factor", score, protocol)


@of("mig", "jemmig", "sap", "sap_continuous", "dci_completeness")
def test_what_compares_latents_needs_two(score, protocol):
    assert "latents or more, found 1" in value("one latent", score, protocol)


@pytest.mark.parametrize("case", ["NaN", "infinite"])
@pytest.mark.parametrize(("name", "protocol"), [recipe for recipe in RECIPES if recipe[0] != "reconstruction"])
def test_broken_codes_are_refused(case, name, protocol):
    for result in measured(case, name, protocol).values():
        assert "NaN or infinite" in str(result)


@pytest.mark.parametrize(("name", "protocol"), RECIPES)
def test_a_constant_factor_is_refused_by_name(name, protocol):
    if "factors" in registry.find("metric", name).needs:
        for result in measured("constant factor", name, protocol).values():
            assert "factor 'factor2' has a single value" in str(result)


@pytest.mark.parametrize(("name", "protocol"), RECIPES)
@pytest.mark.parametrize("rows", [1, 2, 5, 30])
def test_nothing_is_said_of_factors_from_a_few_rows(name, protocol, rows):
    if "factors" in registry.find("metric", name).needs:
        assert all(isinstance(result, NotComputed) for result in measured(f"{rows} rows", name, protocol).values())
