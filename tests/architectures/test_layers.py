"""What nets are made of: normalised convolutions, places beside the code, blocks that add to what they are given."""

import pytest

from multibeta import registry

torch = pytest.importorskip("torch")
from multibeta.architectures._broadcast import Broadcast  # noqa: E402
from multibeta.architectures._residual_block import ResidualBlock  # noqa: E402

SHAPE = (1, 32, 32)


def make(name):
    return registry.find("architecture", name)()


def kinds(net):
    return [type(layer).__name__ for layer in net]


def test_conv_bn_has_a_batchnorm_and_a_leaky_relu_after_each_convolution_but_the_last():
    encoder, features = make("conv_bn").encoder(SHAPE)
    normalised = ["BatchNorm2d", "LeakyReLU"]
    assert kinds(encoder) == [*["Conv2d", *normalised] * 3, "Flatten"]
    decoder = make("conv_bn").decoder(SHAPE, 5)
    assert kinds(decoder) == ["Linear", "ReLU", "Unflatten", *["Upsampling", *normalised] * 2, "Upsampling"]
    assert features == 128 * 4 * 4


def test_batchnorm_takes_the_contrast_out_of_a_batch_and_leaky_relus_let_through_a_hundredth_of_what_is_below_0():
    torch.manual_seed(0)
    encoder, _ = make("conv_bn").encoder(SHAPE)
    images = torch.rand(16, *SHAPE)
    torch.testing.assert_close(encoder(10 * images), encoder(100 * images), atol=1e-3, rtol=0)
    found = encoder(images)
    assert found.min() < -0.01
    before = torch.where(found < 0, 100 * found, found).unflatten(1, (128, 16))
    torch.testing.assert_close(before.mean((0, 2)), torch.zeros(128), atol=1e-3, rtol=0)
    torch.testing.assert_close(before.std((0, 2), correction=0), torch.ones(128), atol=0.01, rtol=0)


def test_broadcast_lays_the_code_beside_row_and_column_of_every_pixel():
    found = Broadcast(3, 5)(torch.tensor([[7.0, 8.0]]))
    assert found.shape == (1, 4, 3, 5)
    assert (found[0, 0] == 7).all()
    assert (found[0, 1] == 8).all()
    torch.testing.assert_close(found[0, 2], torch.tensor([-1.0, 0, 1])[:, None].expand(3, 5))
    torch.testing.assert_close(found[0, 3], torch.tensor([-1, -0.5, 0, 0.5, 1]).expand(3, 5))


def test_a_spatial_broadcast_decoder_knows_where_a_pixel_is():
    """Convolutions of one code alone would give the same far from every border."""
    torch.manual_seed(0)
    image = make("spatial_broadcast").decoder(SHAPE, 4)(torch.randn(1, 4))[0, 0]
    middle = image[8:-8, 8:-8]
    assert middle.std(0).min() > 1e-4
    assert middle.std(1).min() > 1e-4


def test_a_residual_block_adds_to_what_it_is_given():
    torch.manual_seed(0)
    block, x = ResidualBlock(3), torch.randn(2, 3, 8, 8)
    first, second = (layer for layer in block.change if isinstance(layer, torch.nn.Conv2d))
    torch.testing.assert_close(block(x) - x, second(first(x.relu()).relu()))
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    assert torch.equal(block(x), x)
