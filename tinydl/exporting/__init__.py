"""A model on its own: written as a program or a file that others can use without tinydl."""
