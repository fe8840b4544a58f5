"""`python -m tagserver` is `tagserver`."""

from tagserver.cli import main

main(prog_name="tagserver")
