"""What may leave of a person, and how it is taken back: withholding, cleaning, withdrawal, erasure."""
