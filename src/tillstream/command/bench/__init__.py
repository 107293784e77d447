"""``tillstream bench``: measure on this machine; see docs/bench.md."""
