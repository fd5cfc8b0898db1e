"""The optimiser and the plateau rule do what PyTorch's classes of that name do."""

import pytest

from multibeta.training.adam import Adam, Plateau

torch = pytest.importorskip("torch")


def trained(make, steps=20):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = make(list(net.parameters()))
    inputs = torch.randn(16, 4)
    for _ in range(steps):
        optimizer.zero_grad()
        (net(inputs) - inputs.sum(1, keepdim=True)).square().mean().backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in net.parameters()]


def test_it_is_adam():
    ours = trained(lambda parameters: Adam(parameters, 0.01, (0.8, 0.99)))
    theirs = trained(lambda parameters: torch.optim.Adam(parameters, lr=0.01, betas=(0.8, 0.99)))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_a_parameter_without_a_gradient_stays():
    used, unused = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = Adam([used, unused], 0.1, (0.9, 0.999))
    used.sum().backward()
    optimizer.step()
    assert unused.tolist() == [1, 1]
    assert used.tolist() == pytest.approx([0.9, 0.9])


@pytest.mark.parametrize("patience", [0, 2])
def test_it_is_reduce_on_plateau(patience):
    losses = [10.0, 9.0, 9.0, 8.9999, 9.5, 9.5, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 6.0]
    plateau, rate = Plateau(patience, 0.5), 1.0
    reference = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(reference, factor=0.5, patience=patience)
    for loss in losses:
        rate = plateau.update(loss, rate)
        scheduler.step(loss)
        assert rate == reference.param_groups[0]["lr"]
