"""The benchmark: ours beside a floor (a JSON echo) and a rival (the vendor's SDK), in one run. See `tests/README.md`.

Every measurement is a sub-command of `tests/bench/run` with a file of its own. Absolute figures of a shared machine
mean little; ratios taken in one run do.
"""
