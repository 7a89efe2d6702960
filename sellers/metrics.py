"""Writes the table of metrics in docs/observability.md.

`python -m sellers.metrics` (`make metrics`). The code is the source; a test keeps the page true.
"""

from __future__ import annotations

from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

# Whoever composes the processes has imported everything that is measured in them.
from sellers import node
from sellers.catalogue import write
from services.analytics import stream

PAGE = Path(__file__).parent.parent / "docs" / "observability.md"
BEGIN, END = "<!-- metrics: make metrics -->\n", "<!-- end of metrics -->\n"
PREFIX = "sellers_"
MEASURED = (node, stream)


def metrics() -> dict[str, MetricWrapperBase]:
    """Return every metric of ours by the name that Prometheus knows it by."""
    held = set(REGISTRY._collector_to_names)  # noqa: SLF001 - nothing public tells the labels
    ours = (one for one in held if isinstance(one, MetricWrapperBase))
    named = {name_of(one): one for one in ours}
    return {name: named[name] for name in sorted(named) if name.startswith(PREFIX)}


def name_of(metric: MetricWrapperBase) -> str:
    (family, *_) = metric.describe()
    return f"{family.name}_total" if family.type == "counter" else family.name


def labels_of(metric: MetricWrapperBase) -> tuple[str, ...]:
    return tuple(metric._labelnames)  # noqa: SLF001


def table() -> str:
    lines = ["| metric | type | labels | what it says |", "|---|---|---|---|"]
    for name, metric in metrics().items():
        (family, *_) = metric.describe()
        labels = ", ".join(f"`{label}`" for label in labels_of(metric))
        lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """Return the page with its table as the code is."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    """Write the page, where it is not yet the same."""
    write(PAGE, page(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
