"""Cookies of consent tools: one file for each tool, all asked through `tagserver.consent.cookies.readers`."""
