"""What would happen, without anything happening: try, test, plan."""
