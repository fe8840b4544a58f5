"""The benchmark: ours beside its floor (a JSON echo) and its rival (the vendor's SDK), in one run. See
`tests/README.md`."""
