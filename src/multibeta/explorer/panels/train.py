"""Panel: a small model trained now, in a study of its own, and shown beside the others."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from multibeta import registry
from multibeta.explorer.panels import cached
from multibeta.explorer.panels.plain import plain
from multibeta.explorer.panels.start import PRIOR
from multibeta.explorer.shelf import OWN
from multibeta.explorer.small_training import DATASETS, MINUTES, STEPS, Training, Wish

#: Seconds between two looks at the progress.
EVERY = 0.5


@st.cache_resource
def _running() -> dict[str, Training]:
    """The one training of this server, whoever started it: two cores are soon full."""
    return {}


def show(study: Path) -> None:
    """The panel."""
    root = study.absolute().parent
    st.caption(
        f"Trains one model for {MINUTES} minute at most, on one core, and measures it. "
        f"It goes to {root.name}/{OWN}<name>/; {study.name} is not written to."
    )
    with st.form("wish", border=True):
        one, two, three = st.columns(3)
        name = one.text_input("Name", "mine", key="wish_name", help=f"of the study: {OWN}<name>")
        dataset = two.selectbox("Dataset", list(DATASETS), key="wish_dataset")
        variant = three.selectbox(
            "Variant", _variants(), key="wish_variant", format_func=lambda name: registry.find("variant", name).title
        )
        beta = one.number_input("Strength (β, γ, λ, C)", 0.0, 1000.0, 4.0, key="wish_beta")
        latents = two.number_input("Latents", 2, 64, 10, key="wish_latents")
        steps = three.slider("Steps", STEPS[0], STEPS[1], STEPS[2], 100, key="wish_steps")
        seed = one.number_input("Seed", 0, 9999, 0, key="wish_seed")
        asked = st.form_submit_button("Train", type="primary")
    running = _running().get("training")
    if asked and running is not None and running.state == "running":
        st.warning("One is being trained already.")
    elif asked:
        with cached.told():
            wish = Wish(name, str(dataset), str(variant), float(beta), int(latents), int(steps), int(seed))
            wish.check(study)
            running = _running()["training"] = Training(wish, root)
    if running is None:
        return
    if running.state == "running":
        _progress(running)
    else:
        _ended(running)


def _variants() -> list[str]:
    """Those of the package, β-VAE first."""
    return sorted(registry.names("variant"), key=lambda name: (name != "beta_vae", name))


@st.fragment(run_every=EVERY)
def _progress(training: Training) -> None:
    if training.state != "running":
        # The whole page once more: the new model comes into the lists, and this fragment is gone.
        cached.shelf.clear()
        st.rerun(scope="app")
    st.progress(training.share, plain(f"{_title(training.wish)}: {training.words}"))
    st.button("Stop", on_click=training.stop, key="stop")


def _ended(training: Training) -> None:
    title = _title(training.wish)
    if training.state == "done":
        st.success(plain(f"{title}: {training.words}"))
        st.button("Look at it", on_click=_look, args=(training.wish,), key="look")
    elif training.state == "stopped":
        st.info(plain(f"{title}: {training.words}"))
    else:
        st.error(plain(f"{title}: {training.words}"))


def _title(wish: Wish) -> str:
    variant = registry.find("variant", wish.variant)
    return f"{wish.dataset} · {variant.title} · {variant.symbol} = {wish.beta:g} · {wish.study}"


def _look(wish: Wish) -> None:
    strength = wish.folder(Path()).name.removeprefix("beta~")
    st.session_state.update(
        dataset=wish.dataset,
        variant=f"{wish.study}/{wish.variant}",
        strength=strength,
        seed=str(wish.seed),
        start_kind=PRIOR,
        panel="Sliders",
    )
