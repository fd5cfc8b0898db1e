"""What went wrong in a training, read off its history and said in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

#: Nats per image that an image's code holds at least where it is not empty; a single bit is 0.69.
EMPTY = 0.1
#: Variance of the means of the latent that varies most, below which no latent is active (Burda et al. 2016).
SPREAD = 0.01
#: Entries of a latent in use, as a perplexity, below which it is the same for all images.
CONSTANT = 1.1
#: Share of what a batch can use of a codebook that is in use at least: a tenth costs ln 10 = 2.3 nats of each latent's
#: capacity.
USED = 0.1
#: Nats by which the KL may miss a capacity, and the share of the capacity.
MISSED, MISSED_SHARE = 0.5, 0.1
#: Cross-entropy in nats below which a discriminator is right more than nine times in ten; ln 2 = 0.69 is chance.
WON = 0.1
#: Standard errors that a loss falls by between the last two tenths of its rows, and the share of it that matters.
FALLS, FALLS_SHARE = 3.0, 0.005
#: Rows at full strength from which a trend can be told; a training of fewer is short.
ROWS = 10


class Diagnosis(NamedTuple):
    """What is wrong, by name, and in a sentence with its numbers."""

    name: str
    text: str


def diagnose(history: pd.DataFrame, status: str = "done", reason: str = "") -> list[Diagnosis]:
    """What the history of one run tells; nothing for a healthy one.

    Args:
        history: the rows of history.csv of one seed, in the order of steps. A rule whose column is absent or empty does
            not apply; no rule knows a variant.
        status, reason: how the training ended.
    """
    if status != "done":
        return [Diagnosis(status.replace("_", " "), reason)]
    history = history.dropna(axis="columns", how="all")
    if history.empty:
        return []
    full = history
    if "strength" in history:
        full = history[history.strength == history.strength.iloc[-1]]
    last: Any = full.tail(max(len(full) // 10, 1)).mean(numeric_only=True).to_dict()
    short = len(full) < ROWS
    found = [_collapse(last, short), _codebook(last), _capacity(last), _discriminator(last), _trend(full)]
    return [diagnosis for diagnosis in found if diagnosis]


def _collapse(last: dict[str, float], short: bool) -> Diagnosis | None:
    kl = last.get("kl", math.inf)
    rate = last.get("kl_without_free_bits", kl)
    if rate < EMPTY:
        cure = "where the strength weighs the KL take a lower one, or warm it up from 0"
        text = (
            f"the code holds {rate:.2g} nats per image, next to nothing; {'train longer, or ' if short else ''}{cure}"
        )
        return Diagnosis("posterior collapse", text)
    if last.get("variance_of_means", math.inf) < SPREAD:
        text = f"the KL of {kl:.3g} nats is that of one code for all images; raise the capacity more slowly, or begin "
        return Diagnosis("posterior collapse", text + "with training.initial_weights: he")
    return None


def _codebook(last: dict[str, float]) -> Diagnosis | None:
    if last.get("perplexity_of_latents", math.inf) < CONSTANT:
        text = "every latent has one entry for all images; take a lower strength, or restart entries sooner"
        return Diagnosis("codebook collapse", text)
    used, usable = last.get("perplexity", math.inf), last.get("usable", 0.0)
    if used >= max(2, USED * usable):
        return None
    text = f"a batch uses {used:.1f} of {usable:.0f} entries; take a smaller codebook, or restart entries sooner"
    return Diagnosis("codebook collapse", text)


def _capacity(last: dict[str, float]) -> Diagnosis | None:
    gap, capacity = last.get("capacity_gap", 0.0), last.get("strength", math.inf)
    if gap <= max(MISSED, MISSED_SHARE * capacity):
        return None
    text = f"the KL is {gap:.2g} nats from its capacity of {capacity:g}; take a larger γ, more latents or more steps"
    return Diagnosis("capacity not reached", text)


def _discriminator(last: dict[str, float]) -> Diagnosis | None:
    loss = last.get("adversary", math.inf)
    if loss >= WON:
        return None
    text = f"its cross-entropy is {loss:.2g} nats (chance: 0.69), so it teaches little; lower its learning rate"
    return Diagnosis("discriminator won", text)


def _trend(full: pd.DataFrame) -> Diagnosis | None:
    tenth = len(full) // 10
    if len(full) < ROWS:
        return None
    count = max(tenth, 3)
    now, before = full.loss.tail(count), full.loss.iloc[-2 * count : -count]
    fall = before.mean() - now.mean()
    error = math.sqrt((now.var() + before.var()) / count)
    if not (fall > FALLS * error and fall > FALLS_SHARE * abs(now.mean())):
        return None
    text = f"the loss still falls, by {fall:.3g} to {now.mean():.4g} nats over the last {count} rows; train longer"
    return Diagnosis("not converged", text)
