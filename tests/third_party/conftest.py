"""The distribution in this folder is a stranger's: its tests run where it is installed, not here."""

collect_ignore = ["tagserver-parcels"]
