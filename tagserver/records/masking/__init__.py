"""What of an event, of a vendor's answer and of sentences about them may rest in a record: nothing of a person."""
