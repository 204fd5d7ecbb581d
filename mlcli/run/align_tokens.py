"""Weights of a run for a network with another vocabulary: each token keeps its embedding."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mlcli.run.external_weights import HEAD


def align_tokens(
    weights: Mapping[str, Tensor], network: nn.Module, there: Sequence[str], here: Sequence[str], predicts: bool
) -> dict[str, Tensor]:
    """The weights with the rows of embeddings in the order of `here`, the tokens of the network; `there` are those of
    the weights, () if unknown. Tokens that the weights do not have keep the network's values. predicts: the network
    predicts tokens too, so that its head has a row for each.

    Both vocabularies are fitted to a training split, so they differ even between two splits of the same texts.
    """
    if not there or tuple(there) == tuple(here):
        return dict(weights)
    state = network.state_dict()
    per_token = [
        f"{name}.weight"
        for name, module in network.named_modules()
        if isinstance(module, nn.Embedding) and module.num_embeddings == len(here)
    ]
    if predicts:
        per_token += [name for name in state if name.startswith(HEAD) and state[name].shape[:1] == (len(here),)]
    place = {name: row for row, name in reversed([*enumerate(there)])}
    rows = [(row, place[name]) for row, name in enumerate(here) if name in place]
    mine, theirs = [list(each) for each in zip(*rows, strict=True)] if rows else ([], [])
    aligned = dict(weights)
    for name in per_token:
        given = weights.get(name)
        if given is not None and given.shape == (len(there), *state[name].shape[1:]):
            aligned[name] = state[name].detach().cpu().clone()
            aligned[name][mine] = given[theirs].to(aligned[name].dtype)
    return aligned
