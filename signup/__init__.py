"""What happens: forms, links, letters, pages, and the courier."""
