"""Kinds: the benchmark that settings name."""

from __future__ import annotations

from collections.abc import Mapping

from stages.evaluate.benchmarks import cv_bench, hallusionbench, naturalbench, pope, vismin
from stages.evaluate.benchmarks.base import Benchmark
from stages.evaluate.benchmarks.frozen import FrozenQuestions
from stages.evaluate.benchmarks.published import Form, PublishedBenchmark
from stages.evaluate.settings import BenchmarkSettings, RunQuestions

FORMS: Mapping[str, Form] = {
    module.FORM.kind: module.FORM for module in (cv_bench, pope, naturalbench, vismin, hallusionbench)
}


def benchmark_of(settings: BenchmarkSettings) -> Benchmark:
    """Return the benchmark that settings name; nothing is read yet."""
    if isinstance(settings, RunQuestions):
        return FrozenQuestions(settings)
    return PublishedBenchmark(settings, FORMS[settings.kind])
