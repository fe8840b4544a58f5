"""Publishing: the files are a draft, what was published serves, and there is a way back."""
