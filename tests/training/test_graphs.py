"""A step as a CUDA graph is the step: needs a GPU. What a CPU can show of seeds side by side is in test_train.py."""

import pytest

from multibeta.study import Study
from multibeta.training.graphs import _unchanged
from multibeta.training.images import Images
from multibeta.training.run import Training

torch = pytest.importorskip("torch")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
PIXELS = torch.arange(200 * 64).remainder(251).to(torch.uint8).reshape(200, 8, 8, 1)


def training(device, seed=0, variant="beta_vae", plugins=(), **options):
    options = {"architecture": "mlp", "latents": 3, "budget": "60 steps", "batch_size": 16, "log_every": 5, **options}
    config = {"name": "x", "datasets": ["digits"], "variants": [variant], "strengths": [2], "training": options}
    cell = Study.parse({**config, "plugins": list(plugins)}).cells[0]
    images = Images((PIXELS + seed).numpy(), device=device)
    return Training(cell, seed, images, images, device)


def run(started, steps=20):
    for _ in range(steps):
        started.run_step()
        started.finish_step()
    return started


def weights(started):
    return torch.cat([tensor.flatten().cpu() for tensor in started.weights().values()])


def test_what_a_capture_does_to_a_run_is_undone():
    touched, other = run(training("cpu"), 7), run(training("cpu"), 7)
    with _unchanged(touched):
        for _ in range(3):
            touched.update(torch.arange(16), torch.ones(16, 3), torch.tensor(4.0))
        assert not torch.equal(weights(touched), weights(other))
    assert torch.equal(weights(touched), weights(other))
    assert torch.equal(weights(run(touched)), weights(run(other)))
    assert touched.history == other.history


def test_before_the_first_step_too():
    touched, other = training("cpu"), training("cpu")
    with _unchanged(touched):
        touched.update(torch.arange(16), torch.ones(16, 3), 1.0)
    assert torch.equal(weights(run(touched)), weights(run(other)))
    assert touched.history == other.history


def test_a_strength_may_be_a_tensor():
    one, other = training("cpu"), training("cpu")
    one.update(torch.arange(16), torch.ones(16, 3), 2.0)
    other.update(torch.arange(16), torch.ones(16, 3), torch.tensor(2.0))
    assert torch.equal(weights(one), weights(other))


@needs_gpu
@pytest.mark.parametrize("options", [{}, {"gradient_clip": 1.0}, {"strength_schedule": "linear", "schedule_steps": 9}])
def test_captured_steps_are_the_steps(options):
    eager, graph = training("cuda:0", **options), training("cuda:0", **options)
    graph.capture()
    assert graph._do != graph.update
    torch.testing.assert_close(weights(run(graph)), weights(run(eager)), rtol=1e-4, atol=1e-5)


@needs_gpu
def test_a_run_beside_another_has_the_bytes_it_has_alone():
    alone = training("cuda:0")
    alone.capture()
    expected = weights(run(alone))
    beside = [training("cuda:0", seed) for seed in (0, 1)]
    streams = [torch.cuda.Stream() for _ in beside]
    for _ in range(20):
        for each, stream in zip(beside, streams, strict=True):
            with torch.cuda.stream(stream):
                each.capture()
                each.run_step()
                each.finish_step()
    torch.cuda.synchronize()
    assert torch.equal(weights(beside[0]), expected)


@needs_gpu
def test_a_step_that_waits_for_the_device_is_done_without_a_graph(tmp_path, capsys):
    plugin = tmp_path / "waits.py"
    plugin.write_text(
        "from multibeta.variants.beta_vae import BetaVAE as Base\n"
        "class Waits(Base):\n"
        "    def loss(self, forward, strength):\n"
        "        forward.kl.item()\n"
        "        return super().loss(forward, strength)\n"
    )
    started = training("cuda:0", variant="waits", plugins=[str(plugin)])
    started.capture()
    assert "trains without a CUDA graph" in capsys.readouterr().err
    run(started)
