"""The language of the container at work: conditions, templates, values and what is computed from them."""
