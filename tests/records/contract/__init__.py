"""What every store of records must do."""
