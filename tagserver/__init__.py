"""tagserver: data-layer events in, vendor conversions out."""

from tagserver.system.version import of_this

BUILD = of_this()
"""Version and commit of what runs."""
__version__ = BUILD.version
