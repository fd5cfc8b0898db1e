"""The section of the rate axis: the strength to take, what a strength really costs, and which cells none beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multibeta.report.effective_beta import effective_betas
from multibeta.report.findings import Findings
from multibeta.report.pareto import Front, fronts
from multibeta.report.recommended import MEASURES, RULE, Recommended, in_words, recommended
from multibeta.report.text import DASH, fold, listed, number, picture, plain, table

if TYPE_CHECKING:
    import pandas as pd

#: The columns of rate.csv: the slope from each strength to the next one of its variant.
RATE_COLUMNS = ("dataset", "variant", "beta", "next_beta", "slope", "low", "high", "pairs")
#: The columns of recommended.csv: `Recommended`, its shares as ``4:0.85 8:0.15``.
RECOMMENDED_COLUMNS = Recommended._fields
#: The columns of pareto.csv: every cell of each front; who beats it, or nothing for the members.
PARETO_COLUMNS = ("dataset", "measure", "other", "variant", "beta", "beaten_by_variant", "beaten_by_beta", "p_holm")
#: The score that the figure shows against the rate.
SCORE = "mig"


def rate(findings: Findings) -> str:
    """Recommended strengths, effective β and Pareto fronts; nothing where no variant has two strengths measured."""
    slopes = effective_betas(findings)
    if not any(each.slope.pairs for each in slopes):
        return ""
    parts = ["## The rate axis"]
    found = recommended(findings)
    if found:
        parts.append(_recommended(findings, found))
    if has_figure(findings):
        parts += [
            picture("figures/rate.png", "Score against reconstruction and rate, and effective β", "100%"),
            f"{plain(findings.label(SCORE))} against what it costs and against the rate, and the slope of the "
            "rate–distortion curve between neighbouring strengths over their geometric mean, where it falls; a β-VAE "
            "at its optimum lies on the dashed line. [SVG](figures/rate.svg) · [PDF](figures/rate.pdf)",
        ]
    parts.append(fold("Effective β: the slope of the rate–distortion curve", _effective(findings)))
    parts.append(fold("Pareto fronts", _fronts(findings), opened=False))
    return "\n\n".join(parts)


def slopes_table(findings: Findings) -> pd.DataFrame:
    """`RATE_COLUMNS`, a row for each two neighbouring strengths."""
    import pandas as pd

    rows = [(each.dataset, each.variant, each.beta, each.next_beta, *each.slope) for each in effective_betas(findings)]
    return pd.DataFrame(rows, columns=list(RATE_COLUMNS))


def recommended_table(findings: Findings) -> pd.DataFrame:
    """`RECOMMENDED_COLUMNS`, a row for each dataset, variant and measure."""
    import pandas as pd

    rows = [
        row._replace(shares=" ".join(f"{beta}:{share:g}" for beta, share in row.shares.items()))  # type: ignore[arg-type]
        for row in recommended(findings)
    ]
    return pd.DataFrame(rows, columns=list(RECOMMENDED_COLUMNS))


def pareto_table(findings: Findings) -> pd.DataFrame:
    """`PARETO_COLUMNS`, members first."""
    import pandas as pd

    rows = [
        (found.dataset, *found.measures, *place, *((*each.by, each.p) if each else ("", "", None)))
        for found in fronts(findings)
        for place, each in [*((member, None) for member in found.members), *found.beaten.items()]
    ]
    return pd.DataFrame(rows, columns=list(PARETO_COLUMNS))


def has_figure(findings: Findings) -> bool:
    """Is there a score to draw against rate and reconstruction?"""
    return all(findings.column(metric) for metric in (SCORE, "kl", "reconstruction"))


def on_front(found: list[Front]) -> set[tuple[str, str, str]]:
    """The cells on the fronts of reconstruction and `SCORE`."""
    wanted = ("reconstruction", SCORE)
    return {(each.dataset, *place) for each in found if each.measures == wanted for place in each.members}


def _recommended(findings: Findings, found: list[Recommended]) -> str:
    metrics = [metric for metric in MEASURES if any(row.metric == metric for row in found)]
    body = []
    for dataset, variant in dict.fromkeys((row.dataset, row.variant) for row in found):
        rows = {row.metric: row for row in found if (row.dataset, row.variant) == (dataset, variant)}
        cells = [_cell(rows.get(metric), findings.symbols[variant]) for metric in metrics]
        body.append([plain(dataset), plain(findings.variants[variant]), *cells])
    headers = ["dataset", "variant", *(f"by {findings.label(metric)}" for metric in metrics)]
    return "\n\n".join(
        [
            f"**Recommended strength.** {RULE}. In brackets, how often each strength is chosen when the seeds are "
            "drawn anew. The answer is none where Friedman's test within seeds cannot tell that the score depends on "
            "the strength.",
            table(headers, body, len(headers)),
        ]
    )


def _cell(row: Recommended | None, symbol: str) -> str:
    if row is None:
        return DASH
    shares = ", ".join(f"{beta}: {100 * share:.0f} %" for beta, share in row.shares.items() if share >= 0.005)
    return plain(in_words(row, symbol)) + (f" ({shares})" if shares else "")


def _effective(findings: Findings) -> str:
    body = []
    for each in effective_betas(findings):
        symbol, slope = findings.symbols[each.variant], each.slope
        value = f"{number(slope.mean, 2)} ({number(slope.low, 2)} to {number(slope.high, 2)})"
        none = "one pair of seeds only" if slope.pairs < 2 else "the seeds do not tell the rates apart"
        body.append(
            [
                plain(each.dataset),
                plain(findings.variants[each.variant]),
                f"{symbol} = {each.beta} to {each.next_beta}",
                value if slope.mean == slope.mean else none,
                str(slope.pairs),
            ]
        )
    return (
        "Nats of reconstruction paid for each nat of rate given up, between neighbouring strengths, with Fieller's "
        "95 % interval over seeds. A β-VAE at its optimum pays between the two; one that does not is still training, "
        "or held up by its schedule, its nets or its latents.\n\n"
        + table(["dataset", "variant", "between", "effective β (95 % interval)", "seeds"], body, 3)
    )


def _fronts(findings: Findings) -> str:
    lines = [
        "The cells that no other is shown to beat in both measures: within seeds, both differences tell, after Holm's "
        "correction over all other cells. What the seeds cannot tell apart stays on the front."
    ]
    for found in fronts(findings):
        one, other = (plain(findings.label(measure)) for measure in found.measures)
        members = listed([_place(findings, place) for place in found.members])
        beaten = listed(
            [f"{_place(findings, place)} by {_place(findings, each.by)}" for place, each in found.beaten.items()]
        )
        lines.append(
            f"**{plain(found.dataset)}, {one} and {other}**: {members}."
            + (f" Beaten: {beaten}." if beaten else " None is beaten.")
        )
    return "\n\n".join(lines)


def _place(findings: Findings, place: Any) -> str:
    variant, beta = place
    return plain(f"{findings.variants[variant]} at {findings.symbols[variant]} = {beta}")
