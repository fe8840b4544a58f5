"""The formats in which a visitor's choice is written down: a decoder for each.

A decoder of strings takes any text and answers with what it says, or with Invalid and the reason; none of them raises.
What is cut off is never filled up with zeros or ones: it is Invalid. Percent-encoding is not undone here.
"""
