"""Counters of this process, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass
class Meters:
    """What this process has counted since it started."""

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By method, route (never the raw path: that has no bound) and status."""
    seconds: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Time spent answering, by method and route."""

    others: list[Callable[[], Iterator[str]]] = field(default_factory=list)
    """What else this process counts, as lines of the text format: the webhook route's answers."""

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests[method, route, status] += 1
        self.seconds[method, route] += seconds  # pyright: ignore[reportArgumentType]

    def lines(self) -> Iterator[str]:
        """The counters as lines of the text format."""
        yield "# HELP tillstream_http_requests_total Requests answered."
        yield "# TYPE tillstream_http_requests_total counter"
        for (method, route, status), count in sorted(self.requests.items()):
            yield (
                f'tillstream_http_requests_total{{method="{method}",route="{_escaped(route)}",'
                f'status="{status}"}} {count}'
            )
        yield "# HELP tillstream_http_request_seconds_total Time spent answering requests."
        yield "# TYPE tillstream_http_request_seconds_total counter"
        for (method, route), spent in sorted(self.seconds.items()):
            yield (
                f'tillstream_http_request_seconds_total{{method="{method}",'
                f'route="{_escaped(route)}"}} {spent:.6f}'
            )
        for other in self.others:
            yield from other()


def gauge(name: str, purpose: str, value: float) -> Iterable[str]:
    """One value that goes up and down, as lines of the text format."""
    return (f"# HELP {name} {purpose}", f"# TYPE {name} gauge", f"{name} {value}")


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
