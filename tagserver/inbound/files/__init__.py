"""Tables and JSON lines of past events, such as the sales of a till: their text becomes events of a data layer."""
