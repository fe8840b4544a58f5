"""Cookies of consent tools, all asked through `tagserver.consent.cookies.tools`."""
