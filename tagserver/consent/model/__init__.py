"""What all of consent is made of: the site's policy and a tag's needs, signals and readings."""
