"""What authors of plugins import, through `tagserver.plugin`: contract, settings, values as vendors want them."""
