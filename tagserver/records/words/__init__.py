"""What records say, in the words of people who run campaigns: for the pages, for commands, and for `.json`."""
