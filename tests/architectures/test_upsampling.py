"""The decoders' layer is PyTorch's transposed convolution, values and gradients, whatever the memory layout."""

import pytest

torch = pytest.importorskip("torch")
from multibeta.architectures._upsampling import Upsampling  # noqa: E402


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("before", "after"), [(5, 1), (5, 3), (1, 1)])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (3, 7)])
def test_it_is_a_transposed_convolution(layout, before, after, height, width):
    torch.manual_seed(0)
    layer = Upsampling(before, after).double().to(memory_format=layout)
    plain = torch.nn.ConvTranspose2d(before, after, 4, 2, 1).double()
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(2, before, height, width, dtype=torch.double).to(memory_format=layout).requires_grad_()
    y = x.detach().clone().requires_grad_()
    upstream = torch.randn(2, after, 2 * height, 2 * width, dtype=torch.double)
    out, expected = layer(x), plain(y)
    torch.testing.assert_close(out, expected)
    (out * upstream).sum().backward()
    (expected * upstream).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    for ours, theirs in zip(layer.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
