"""What members say of themselves, and names that look alike."""
