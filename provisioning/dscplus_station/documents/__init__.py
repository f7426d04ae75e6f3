"""What is printed: labels, letters, forms, lists, badges. Of secrets, a badge's code alone."""
