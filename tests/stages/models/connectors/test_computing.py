"""Computing: what every connector takes and refuses, in 16 bits, compiled, and with checkpointed gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.utils.checkpoint import checkpoint
from world.connectors import SMALL, built, features_of, small_aggregator

from manifests.errors import Refused
from stages.models.connectors.inner_aggregation import InnerAggregation
from stages.models.connectors.masks import image_mask

KINDS = list(SMALL)
MASKS = [image_mask([(10, 2), (3, 4)], side) for side in (4, 2)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_number_of_features_is_refused(kind) -> None:
    settings = SMALL[kind]
    features = features_of(settings)
    found, wanted = len(features) + 1, len(features)
    with pytest.raises(Refused, match=rf"takes features of {wanted} encoder\(s\) and got {found}; give one tensor for"):
        built(settings)([*features, features[0]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [(2, 10, 6), (2, 9, 8), (9, 6)], ids=["tokens", "width", "no batch"])
def test_features_of_another_shape_are_refused(kind, wrong) -> None:
    settings = SMALL[kind]
    features = [torch.zeros(wrong, dtype=torch.float64), *features_of(settings)[1:]]
    with pytest.raises(Refused, match=r"features of encoder 0 have shape .* is expected; drop CLS and register tokens"):
        built(settings)(features)


def test_features_of_different_batches_are_refused() -> None:
    settings = SMALL["additive"]
    features = features_of(settings)
    with pytest.raises(Refused, match=r"features of encoder 1 have shape \(1, 9, 6\), but \(2, 9, 6\) is expected"):
        built(settings)([features[0], features[1][:1]])


@pytest.mark.parametrize("kind", KINDS)
def test_16_bits_give_nearly_the_numbers_of_32(kind) -> None:
    settings = SMALL[kind]
    whole = built(settings, torch.float32)(features_of(settings, dtype=torch.float32))
    half = built(settings, torch.bfloat16)(features_of(settings, dtype=torch.bfloat16))
    assert (whole.dtype, half.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(half.float(), whole, rtol=0.05, atol=0.05)
    half.float().sum().backward()


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_gives_nearly_the_numbers_of_32_bits(kind) -> None:
    settings = SMALL[kind]
    connector, features = built(settings, torch.float32), features_of(settings, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = connector(features)
    torch.testing.assert_close(found.float(), connector(features), rtol=0.05, atol=0.05)


def _gradients(connector: torch.nn.Module, call: Callable[[], torch.Tensor]) -> list[torch.Tensor]:
    connector.zero_grad()
    call().square().sum().backward()
    return [one.grad.clone() for one in connector.parameters()]


@pytest.mark.parametrize("kind", KINDS)
def test_checkpointed_gradients_are_the_same(kind) -> None:
    settings = SMALL[kind]
    connector, features = built(settings), features_of(settings)
    plain = _gradients(connector, lambda: connector(features))
    again = _gradients(connector, lambda: checkpoint(connector, features, use_reentrant=False))
    assert all(torch.equal(one, other) for one, other in zip(plain, again))


def test_checkpointed_gradients_of_an_inner_layer_are_the_same() -> None:
    settings = small_aggregator(inner={"count": 1, "start": 0, "stride": 1})
    connector, inner = built(settings), InnerAggregation(settings).double()
    hidden = torch.randn(2, 9, 12, dtype=torch.float64, requires_grad=True)
    seen = connector.seen([one.detach() for one in connector.project(features_of(settings))], MASKS)
    plain = _gradients(inner, lambda: inner(hidden, 0, seen, position=2))
    again = _gradients(inner, lambda: checkpoint(inner, hidden, 0, seen, position=2, use_reentrant=False))
    assert all(torch.equal(one, other) for one, other in zip(plain, again))


def _compiled(module: torch.nn.Module) -> Callable[..., torch.Tensor]:
    """Forward and backward each as one graph, without a compiler of C++, which takes a minute."""
    return torch.compile(module, fullgraph=True, backend="aot_eager")


@pytest.mark.parametrize("kind", KINDS)
def test_a_connector_compiles_into_one_graph(kind) -> None:
    settings = SMALL[kind]
    connector, features = built(settings), features_of(settings)
    plain = _gradients(connector, lambda: connector(features))
    compiled = _gradients(connector, lambda: _compiled(connector)(features))
    torch.testing.assert_close(compiled, plain, rtol=1e-10, atol=1e-10)


def test_masks_and_inner_layers_compile_into_one_graph() -> None:
    settings = small_aggregator()
    connector, inner = built(settings), InnerAggregation(settings).double()
    features, hidden = features_of(settings), torch.randn(2, 9, 12, dtype=torch.float64)
    torch.testing.assert_close(
        _compiled(connector)(features, MASKS), connector(features, MASKS), rtol=1e-10, atol=1e-10
    )
    seen = connector.seen(connector.project(features), MASKS)
    found = _compiled(inner)(hidden, 3, seen, position=2)
    torch.testing.assert_close(found, inner(hidden, 3, seen, position=2), rtol=1e-10, atol=1e-10)
