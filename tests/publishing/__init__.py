"""What serves: draft, versions, the way back."""
