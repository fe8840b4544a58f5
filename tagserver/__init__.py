"""tagserver: data-layer events in, vendor conversions out."""

__version__ = "0.1.0"
