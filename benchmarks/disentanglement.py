"""How long the disentanglement measures of one run take, and how near our DCI is to scikit-learn's trees.

    python benchmarks/disentanglement.py [--rows 15000] [--tables ../shared/oracles] [--no-peer]

Measures every metric of codes on 15,000 codes of 10 latents (10,000 to learn from, 5,000 to test on) over five factors
of 3, 6, 10, 16 and 16 values, protocol by protocol, and DCI by scikit-learn's boosted trees on the same codes as the
named peer: the seconds of each, the median of three rounds for ours, and their ratio. With the code tables of
disentanglement_lib it prints D, C and I by both kinds of trees beside the library's values.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from multibeta import registry
from multibeta.metrics.disentanglement.dci import Importance, by_scikit_learn, by_trees, completeness, disentanglement
from multibeta.option_values import PROTOCOLS

SIZES = (3, 6, 10, 16, 16)
LATENTS, SIBLINGS, ROUNDS = 10, 2, 3
NAMES = tuple(f"factor{k}" for k in range(len(SIZES)))


def needs(rows: int) -> dict[str, Any]:
    """Codes that tell the factors half mixed and with noise, as those of a model do."""
    draw = np.random.default_rng(0)
    factors = np.stack([draw.integers(size, size=rows) for size in SIZES], axis=1)
    standard = (factors - factors.mean(0)) / factors.std(0)
    mixing = np.eye(len(SIZES), LATENTS) + 0.3 * draw.normal(size=(len(SIZES), LATENTS))
    mean = standard @ mixing + 0.2 * draw.normal(size=(rows, LATENTS))
    logvar = np.full(mean.shape, -2.0)
    return {
        "codes": mean,
        "factors": factors,
        "factor_names": NAMES,
        "factor_kinds": ("categorical", *["ordinal"] * 4),
        "posterior_mean": mean,
        "posterior_logvar": logvar,
        "sibling_means": [mean + 0.1 * draw.normal(size=mean.shape) for _ in range(SIBLINGS)],
        "sibling_logvars": [logvar] * SIBLINGS,
        "seed": 0,
    }


def seconds(material: dict[str, Any], protocol: str) -> dict[str, float]:
    """The time of every metric that rests on codes and factors alone, by this protocol or by one of its own."""
    found = {}
    for name in registry.names("metric"):
        metric = registry.find("metric", name)
        if set(metric.needs) <= set(material):
            for recipe, settings in metric.recipes([protocol]).items():
                started = time.perf_counter()
                metric().measure(**{need: material[need] for need in metric.needs}, **settings)
                found[f"{name} ({recipe})"] = time.perf_counter() - started
    return found


def scores(found: Importance) -> tuple[float, float, float]:
    return disentanglement(found.importance)[0], completeness(found.importance)[0], float(found.informativeness.mean())


def compare(tables: Path) -> None:
    arrays = np.load(tables / "disentanglement_lib_tables.npz", allow_pickle=False)
    known = json.loads((tables / "disentanglement_lib_tables.json").read_text())["values"]
    learning, testing, factors = np.arange(3000), np.arange(3000, 4500), arrays["factors"].astype(np.int64)
    print(f"\n{'D, C, I on 3000 + 1500 codes':<28}{'our trees':>22}{'scikit-learn':>22}{'disentanglement_lib':>22}")
    for name, values in known.items():
        codes, expected = arrays[name].astype(np.float64), values["dci_gbt"]
        theirs = [expected[key] for key in ("disentanglement", "completeness", "informativeness_test")]
        ours = scores(by_trees(codes, factors, learning, testing))
        peer = scores(by_scikit_learn(codes, factors, learning, testing, seed=0))
        print(f"{name:<28}" + "".join(f"{', '.join(f'{x:.3f}' for x in each):>22}" for each in (ours, peer, theirs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=15_000)
    parser.add_argument("--tables", type=Path, help="folder of the code tables of disentanglement_lib")
    parser.add_argument("--no-peer", action="store_true", help="leave out scikit-learn's trees, which take minutes")
    options = parser.parse_args()
    material = needs(options.rows)
    ours = {}
    for protocol in PROTOCOLS:
        if protocol == "dlib19_sklearn":
            continue
        rounds = [seconds(material, protocol) for _ in range(ROUNDS)]
        medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        own = {name: value for name, value in medians.items() if name.endswith(f"({protocol})") or name not in ours}
        ours |= own
        print(f"{protocol}: {sum(own.values()):.2f} s in all")
        for name, value in sorted(own.items(), key=lambda item: -item[1]):
            print(f"  {name:<40}{value:8.3f} s")
    if not options.no_peer:
        rows = np.arange(options.rows)
        started = time.perf_counter()
        by_scikit_learn(
            material["codes"], material["factors"], rows[: 2 * len(rows) // 3], rows[2 * len(rows) // 3 :], 0
        )
        peer = time.perf_counter() - started
        print(f"DCI by scikit-learn's trees: {peer:.1f} s, {peer / ours['dci (dlib19)']:.0f} × ours")
    if options.tables:
        compare(options.tables)


if __name__ == "__main__":
    main()
