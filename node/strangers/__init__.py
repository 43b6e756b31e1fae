"""What people may do who are no members yet: knock, read account 0, leave a request."""
