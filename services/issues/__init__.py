"""What customers complain of, object to or ask for, until they were told what became of it."""
