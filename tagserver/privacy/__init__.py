"""What may leave of a person, and how it is withdrawn: withholding, cleaning, withdrawal, erasure."""
