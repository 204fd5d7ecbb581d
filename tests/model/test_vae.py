import torch
from torch.distributions import Normal, kl_divergence

from mlcli.model.vae import VAE


def made() -> tuple[VAE, torch.Tensor]:
    torch.manual_seed(0)
    return VAE((6,), code=3, width=8, depth=1), torch.randn(5, 6)


def test_divergence_is_torchs() -> None:
    model, inputs = made()
    features = model.encoder(inputs)
    codes = Normal(model.mean(features), (model.log_variance(features) / 2).exp())
    expected = kl_divergence(codes, Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(model.with_divergence(inputs)[1], expected)


def test_codes_are_drawn_with_the_mean_and_variance_that_it_gives() -> None:
    model, inputs = made()
    model.decoder = torch.nn.Identity()
    with torch.no_grad():
        draws = model(inputs[:1].expand(20_000, 6))
        features = model.encoder(inputs[:1])
        torch.testing.assert_close(draws.mean(0), model.mean(features)[0], atol=0.03, rtol=0)
        torch.testing.assert_close(draws.var(0).log(), model.log_variance(features)[0], atol=0.05, rtol=0)


def test_evaluation_takes_the_mean() -> None:
    model, inputs = made()
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    torch.testing.assert_close(model(inputs), model.decode(model.encode(inputs)))
